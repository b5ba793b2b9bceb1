#include "plan/int8_convolution.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <string_view>
#include <utility>
#include <vector>

#include "plan/arena.h"
#include "plan/layout.h"
#include "plan/pooling.h"
#include "plan/workspace.h"

namespace semisup::plan {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;
using OptionalString = std::optional<std::string_view>;

// oneDNN's quantized convolutions, as torch.compile calls them; LibTorch registers them as
// operators.
const auto& PackWeight() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("onednn::qconv_prepack", "")
          .typed<at::Tensor(at::Tensor, at::Tensor, double, int64_t, c10::List<int64_t>,
                            c10::List<int64_t>, c10::List<int64_t>, int64_t,
                            std::optional<c10::List<int64_t>>)>();
  return op;
}

const auto& QuantizedConvolution() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("onednn::qconv2d_pointwise", "")
          .typed<at::Tensor(at::Tensor, double, int64_t, at::Tensor, at::Tensor, at::Tensor,
                            std::optional<at::Tensor>, c10::List<int64_t>, c10::List<int64_t>,
                            c10::List<int64_t>, int64_t, double, int64_t,
                            std::optional<at::ScalarType>, std::string_view, Scalars,
                            OptionalString)>();
  return op;
}

// Adds to its residual in place.
const auto& QuantizedConvolutionAdd() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("onednn::qconv2d_pointwise", "binary")
          .typed<at::Tensor(at::Tensor, double, int64_t, at::Tensor, at::Tensor, at::Tensor,
                            at::Tensor, std::optional<at::Tensor>, c10::List<int64_t>,
                            c10::List<int64_t>, c10::List<int64_t>, int64_t, double, int64_t,
                            std::optional<at::ScalarType>, double, int64_t, std::string_view,
                            std::optional<at::Scalar>, OptionalString, Scalars, OptionalString)>();
  return op;
}

c10::List<int64_t> ToList(const std::vector<int64_t>& values) {
  return c10::List<int64_t>(at::IntArrayRef(values));
}

std::vector<float> ToVector(const at::Tensor& values) {
  const auto dense = values.to(at::kFloat).contiguous();
  const auto* data = dense.const_data_ptr<float>();
  return {data, data + dense.numel()};
}

}  // namespace

Int8Convolution::Int8Convolution(const program::ConvolutionSpec& spec, const Quantization& input,
                                 const std::optional<Quantization>& residual,
                                 const Quantization& output)
    : Convolution(spec), input_(input), residual_(residual), output_(output) {
  const auto largest = spec.weight.abs().amax({1, 2, 3}).clamp_min(1e-12);
  scales_ = largest / kernels::Int8Convolution::MaxWeight();
  zero_points_ = at::zeros({spec.weight.size(0)}, at::kLong);
  spec_.weight = at::round(spec.weight / scales_.view({-1, 1, 1, 1})).to(at::kChar).contiguous();
  requantization_ = MakeRequantization();
}

at::Tensor Int8Convolution::Run(const at::Tensor& input, at::Tensor residual, ExecutionMode mode,
                                at::Tensor& packed) const {
  CheckChannels(input);
  // Calibration rejects residuals to broadcast, but inputs of another size may produce one.
  if (spec_.has_residual) {
    TORCH_CHECK(!BroadcastsResidual(input, residual), "In int8, a residual of shape ",
                residual.sizes(), " cannot be added to an output of shape ",
                spec_.OutputSizes(input.sizes()), ".");
  }
  if (algorithm(mode) == Algorithm::kDirect) {
    if (residual.defined()) residual = residual.contiguous(kNhwc);
    return RunKernel(input, residual);
  }
  if (!packed.defined()) packed = PackForOneDnn(input);
  auto output = RunOneDnn(input, std::move(residual), packed);
  return spec_.max_pool ? RunMaxPool(output, *spec_.max_pool) : output;
}

bool Int8Convolution::Supports(Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) return true;
  return algorithm == Algorithm::kDirect && !spec_.IsDilated() &&
         kernels::Int8Convolution::Supports(spec_.Shape(), requantization_);
}

void Int8Convolution::Prepare(Algorithm algorithm) {
  if (algorithm == Algorithm::kDirect && kernel_) return;
  CheckWeights();
  if (algorithm == Algorithm::kDirect) {
    kernel_ = std::make_unique<kernels::Int8Convolution>(spec_.weight.const_data_ptr<int8_t>(),
                                                         spec_.Shape(), requantization_);
  }
}

void Int8Convolution::ReleaseUnselectedKernels() {
  if (!IsSelected(Algorithm::kDirect)) kernel_.reset();
}

// A ReLU needs no operation: its output's zero point is 0, and bytes saturate at 0.
kernels::RequantizationParameters Int8Convolution::MakeRequantization() const {
  const auto bias = spec_.bias.defined() ? spec_.bias : at::zeros_like(scales_);
  auto offset = (bias / output_.scale + output_.zero_point).contiguous();
  kernels::RequantizationParameters parameters;
  parameters.input_zero_point = static_cast<uint8_t>(input_.zero_point);
  parameters.scale = ToVector(scales_ * (input_.scale / output_.scale));
  if (residual_) {
    const double scale = residual_->scale / output_.scale;
    offset -= scale * static_cast<double>(residual_->zero_point);
    parameters.residual_scale = static_cast<float>(scale);
  }
  parameters.offset = ToVector(offset);
  return parameters;
}

at::Tensor Int8Convolution::PackForOneDnn(const at::Tensor& input) const {
  // Packed weights outlive the run.
  const ArenaScope no_arena(nullptr);
  return PackWeight().call(spec_.weight, scales_, input_.scale, input_.zero_point,
                           ToList(spec_.stride), ToList(spec_.padding), ToList(spec_.dilation),
                           spec_.groups, ToList(input.sizes().vec()));
}

at::Tensor Int8Convolution::RunKernel(const at::Tensor& input, const at::Tensor& residual) const {
  const auto sizes = spec_.OutputSizes(input.sizes());
  const auto nhwc_input = input.contiguous(kNhwc);
  auto output = residual.defined() && IsExclusive(residual)
                    ? residual
                    : at::empty(PooledSizes(sizes), input.options(), kNhwc);
  TensorWorkspace workspace;
  kernel_->Run({.input = nhwc_input.const_data_ptr<uint8_t>(),
                .residual = residual.defined() ? residual.const_data_ptr<uint8_t>() : nullptr,
                .output = output.data_ptr<uint8_t>(),
                .batch = sizes[0],
                .height = sizes[2],
                .width = sizes[3],
                .input_height = nhwc_input.size(2),
                .input_width = nhwc_input.size(3),
                .max_pool = spec_.max_pool ? &*spec_.max_pool : nullptr},
               workspace);
  return output;
}

at::Tensor Int8Convolution::RunOneDnn(const at::Tensor& input, at::Tensor residual,
                                      const at::Tensor& packed) const {
  const auto bias = spec_.bias.defined() ? std::make_optional(spec_.bias) : std::nullopt;
  const std::string_view activation = spec_.relu ? "relu" : "none";
  if (!spec_.has_residual) {
    return QuantizedConvolution().call(
        input, input_.scale, input_.zero_point, packed, scales_, zero_points_, bias,
        ToList(spec_.stride), ToList(spec_.padding), ToList(spec_.dilation), spec_.groups,
        output_.scale, output_.zero_point, at::kByte, activation, Scalars(), "");
  }
  const auto sum = Writable(std::move(residual));
  return QuantizedConvolutionAdd().call(
      input, input_.scale, input_.zero_point, packed, scales_, zero_points_, sum, bias,
      ToList(spec_.stride), ToList(spec_.padding), ToList(spec_.dilation), spec_.groups,
      output_.scale, output_.zero_point, at::kByte, residual_->scale, residual_->zero_point, "sum",
      1.0, activation, Scalars(), "");
}

}  // namespace semisup::plan
