#include "plan/int8_convolution.h"

#include <ATen/ATen.h>

#include <vector>

#include "engine/kernel_convolution.h"
#include "plan/float_kernel.h"
#include "plan/onednn_int8_convolution.h"
#include "plan/torch_tensor.h"

namespace semisup::plan {
namespace {

std::vector<float> ToVector(const at::Tensor& values) {
  const auto dense = values.to(at::kFloat).contiguous();
  const auto* data = dense.const_data_ptr<float>();
  return {data, data + dense.numel()};
}

}  // namespace

Int8Convolution::Int8Convolution(const program::ConvolutionSpec& spec,
                                 engine::ConvolutionStep& step)
    : Convolution(spec, step) {
  const auto largest = spec.weight.abs().amax({1, 2, 3}).clamp_min(1e-12);
  scales_ = largest / kernels::Int8Convolution::MaxWeight();
  spec_.weight = at::round(spec.weight / scales_.view({-1, 1, 1, 1})).to(at::kChar).contiguous();
  requantization_ = MakeRequantization();
  for (const auto mode : {ExecutionMode::kLatency, ExecutionMode::kThroughput}) {
    Select(mode, Algorithm::kOneDnn);
  }
}

bool Int8Convolution::Supports(Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) return true;
  return HasKernel() ? algorithm == Algorithm::kDirect
                     : HasFloatKernel(algorithm, shape(), ToBuffer(spec_.bias));
}

bool Int8Convolution::HasKernel() const {
  return kernels::Int8Convolution::Supports(shape(), requantization_);
}

// A ReLU needs no operation: its output's zero point is 0, and bytes saturate at 0.
kernels::RequantizationParameters Int8Convolution::MakeRequantization() const {
  const auto& convolution = step().convolution();
  const auto& input = convolution.input_quantization;
  const auto& output = convolution.output_quantization;
  const auto bias = spec_.bias.defined() ? spec_.bias : at::zeros_like(scales_);
  auto offset = (bias / output.scale + output.zero_point).contiguous();
  kernels::RequantizationParameters parameters;
  parameters.input_zero_point = static_cast<uint8_t>(input.zero_point);
  parameters.scale = ToVector(scales_ * (input.scale / output.scale));
  if (convolution.has_residual) {
    const auto& residual = convolution.residual_quantization;
    const double scale = residual.scale / output.scale;
    offset -= scale * static_cast<double>(residual.zero_point);
    parameters.residual_scale = static_cast<float>(scale);
  }
  parameters.offset = ToVector(offset);
  return parameters;
}

std::shared_ptr<const engine::ConvolutionAlgorithm> Int8Convolution::Make(
    Algorithm algorithm) const {
  if (algorithm != Algorithm::kOneDnn && !HasKernel()) {
    const auto weight = spec_.weight.to(at::kFloat) * scales_.view({-1, 1, 1, 1});
    return MakeFloatKernel(algorithm, weight, ToBuffer(spec_.bias), shape());
  }
  if (algorithm == Algorithm::kDirect) {
    return std::make_shared<engine::Int8KernelConvolution>(spec_.weight.const_data_ptr<int8_t>(),
                                                           shape(), requantization_);
  }
  const auto zero_points = at::zeros({spec_.weight.size(0)}, at::kLong);
  return std::make_shared<OneDnnInt8Convolution>(spec_.weight, scales_, zero_points, spec_.bias);
}

}  // namespace semisup::plan
