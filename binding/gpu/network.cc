#include "gpu/network.h"

#include <ATen/ops/add.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/cudnn_convolution_add_relu.h>
#include <ATen/ops/cudnn_convolution_relu.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <optional>
#include <utility>

#include "gpu/math_mode.h"

namespace semisup::gpu {
namespace {

std::optional<at::Tensor> ToOptional(const at::Tensor& tensor) {
  return tensor.defined() ? std::make_optional(tensor) : std::nullopt;
}

at::Tensor Convolve(const program::ConvolutionSpec& spec, const at::Tensor& input,
                    const at::Tensor& residual, Fusion fusion) {
  const bool is_fused = fusion != Fusion::kNone && spec.relu;
  if (is_fused && !spec.has_residual) {
    if (fusion == Fusion::kFusedWithTraps) {
      // The caching allocator reuses the block that was freed last for the output.
      at::full(spec.OutputSizes(input.sizes()), NAN, input.options());
    }
    return at::cudnn_convolution_relu(input, spec.weight, ToOptional(spec.bias), spec.stride,
                                      spec.padding, spec.dilation, spec.groups);
  }
  if (is_fused && residual.sizes() == at::IntArrayRef(spec.OutputSizes(input.sizes()))) {
    return at::cudnn_convolution_add_relu(input, spec.weight, residual, 1, ToOptional(spec.bias),
                                          spec.stride, spec.padding, spec.dilation, spec.groups);
  }
  auto output =
      at::convolution(input, spec.weight, ToOptional(spec.bias), spec.stride, spec.padding,
                      spec.dilation, /*transposed=*/false, {0, 0}, spec.groups);
  if (spec.has_residual) output = at::add(output, residual);
  return spec.relu ? output.relu_() : output;
}

at::Tensor PerChannel(const std::array<float, 3>& values, c10::Device device) {
  return at::tensor(at::ArrayRef<float>(values), at::kFloat).view({1, 3, 1, 1}).to(device);
}

}  // namespace

Normalizer::Normalizer(const Normalization& normalization, c10::Device device) {
  std::array<float, 3> scale, shift;
  for (size_t i = 0; i < scale.size(); i++) {
    scale[i] = static_cast<float>(1 / (255.0 * normalization.std[i]));
    shift[i] = -normalization.mean[i] / normalization.std[i];
  }
  scale_ = PerChannel(scale, device);
  shift_ = PerChannel(shift, device);
}

at::Tensor Normalizer::operator()(const at::Tensor& images) const {
  if (images.scalar_type() != at::kByte) return images;
  // The permuted pixels are channels-last already.
  return at::addcmul(shift_, images.permute({0, 3, 1, 2}).to(at::kFloat), scale_);
}

Network::Network(program::Program program, c10::Device device, program::ComputePrecision precision,
                 const Normalization& normalization)
    : precision_(precision), normalizer_(normalization, device), program_(std::move(program)) {
  const auto dtype = program::DTypeOf(precision_);
  const auto move_to_device = [&](const at::Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    // Converts on the CPU first: a copy to the device is complete when it returns, a conversion
    // there may not be.
    return tensor.to(tensor.is_floating_point() ? dtype : tensor.scalar_type()).to(device);
  };
  for (auto& constant : program_.constants) {
    if (constant.isTensor()) constant = move_to_device(constant.toTensor());
  }
  for (auto& step : program_.steps) {
    // These refer to weights on the CPU.
    step.computation = {};
    if (!step.convolution) continue;
    auto& spec = *step.convolution;
    spec.weight = move_to_device(spec.weight.contiguous(at::MemoryFormat::ChannelsLast));
    spec.bias = move_to_device(spec.bias);
  }
}

std::vector<at::Tensor> Network::Run(const at::Tensor& images, Fusion fusion,
                                     bool benchmark) const {
  const MathMode mode(precision_ == program::ComputePrecision::kTf32, benchmark);
  auto input = normalizer_(images)
                   .to(program::DTypeOf(precision_))
                   .contiguous(at::MemoryFormat::ChannelsLast);
  const auto convolve = [&](const program::Step& step, program::Frame& frame) {
    const auto& values = step.values;
    const auto residual = values.inputs.size() > 1 ? frame.Take(values, 1) : at::Tensor();
    frame.Set(values, Convolve(*step.convolution, frame.Take(values, 0), residual, fusion));
  };
  auto outputs = program::Execute(program_, std::move(input), convolve);
  for (auto& output : outputs) output = output.to(at::kFloat).contiguous();
  return outputs;
}

}  // namespace semisup::gpu
