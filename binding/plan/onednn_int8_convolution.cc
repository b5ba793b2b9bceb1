#include "plan/onednn_int8_convolution.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/arena.h"
#include "plan/torch_tensor.h"

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

c10::List<int64_t> ToList(at::IntArrayRef values) { return c10::List<int64_t>(values); }

}  // namespace

at::Tensor OneDnnInt8Convolution::Pack(const engine::FusedConvolution& convolution,
                                       const at::Tensor& input) const {
  // Packed weights outlive the run.
  const engine::ArenaScope no_arena(nullptr);
  const auto& shape = convolution.shape;
  const auto& quantization = convolution.input_quantization;
  return PackWeight().call(weight_, scales_, quantization.scale, quantization.zero_point,
                           ToList(shape.stride), ToList(shape.padding), ToList(shape.dilation),
                           shape.groups, ToList(input.sizes()));
}

engine::Tensor OneDnnInt8Convolution::Run(const engine::FusedConvolution& convolution,
                                          const engine::Tensor& input, engine::Tensor residual,
                                          engine::ExecutionMode, engine::StepState& state) const {
  const auto& shape = convolution.shape;
  const auto& input_quantization = convolution.input_quantization;
  const auto& output_quantization = convolution.output_quantization;
  const auto images = ToTorch(input.Dense(engine::Layout::kNhwc));
  if (!state) state = std::make_shared<at::Tensor>(Pack(convolution, images));
  const auto& packed = *std::static_pointer_cast<at::Tensor>(state);
  const auto bias = bias_.defined() ? std::make_optional(bias_) : std::nullopt;
  const std::string_view activation = convolution.relu ? "relu" : "none";
  engine::Tensor output;
  if (!residual.defined()) {
    output = FromTorch(QuantizedConvolution().call(
        images, input_quantization.scale, input_quantization.zero_point, packed, scales_,
        zero_points_, bias, ToList(shape.stride), ToList(shape.padding), ToList(shape.dilation),
        shape.groups, output_quantization.scale, output_quantization.zero_point, at::kByte,
        activation, Scalars(), ""));
  } else {
    const auto& residual_quantization = convolution.residual_quantization;
    output = std::move(residual).Writable();
    QuantizedConvolutionAdd().call(
        images, input_quantization.scale, input_quantization.zero_point, packed, scales_,
        zero_points_, ToTorch(output), bias, ToList(shape.stride), ToList(shape.padding),
        ToList(shape.dilation), shape.groups, output_quantization.scale,
        output_quantization.zero_point, at::kByte, residual_quantization.scale,
        residual_quantization.zero_point, "sum", 1.0, activation, Scalars(), "");
  }
  output.set_quantization(output_quantization);
  return output;
}

}  // namespace semisup::plan
