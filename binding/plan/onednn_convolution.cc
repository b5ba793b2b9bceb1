#include "plan/onednn_convolution.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/arena.h"
#include "plan/torch_tensor.h"

namespace semisup::plan {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;

// oneDNN's fused convolutions, which torch.compile uses, too; LibTorch registers them as operators.
const auto& FusedConvolution() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                            at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                            std::string_view, Scalars, std::optional<std::string_view>)>();
  return op;
}

// Adds to its first argument in place.
const auto& FusedConvolutionAdd() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_convolution_pointwise_", "binary")
          .typed<at::Tensor&(at::Tensor&, const at::Tensor&, const at::Tensor&,
                             const std::optional<at::Tensor>&, at::IntArrayRef, at::IntArrayRef,
                             at::IntArrayRef, int64_t, std::string_view, std::optional<at::Scalar>,
                             std::optional<std::string_view>, Scalars,
                             std::optional<std::string_view>)>();
  return op;
}

const auto& ReorderWeight() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_reorder_convolution_weight", "")
          .typed<at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                            int64_t, at::OptionalIntArrayRef)>();
  return op;
}

std::vector<int64_t> ToVector(const kernels::HeightWidth& pair) {
  return {pair.begin(), pair.end()};
}

}  // namespace

at::Tensor OneDnnConvolution::Pack(const kernels::ConvolutionShape& shape,
                                   const at::Tensor& input) const {
  // Packed weights outlive the run.
  const engine::ArenaScope no_arena(nullptr);
  return ReorderWeight().call(weight_, ToVector(shape.padding), ToVector(shape.stride),
                              ToVector(shape.dilation), shape.groups, input.sizes());
}

engine::Tensor OneDnnConvolution::Run(const engine::FusedConvolution& convolution,
                                      const engine::Tensor& input, engine::Tensor residual,
                                      engine::ExecutionMode, engine::StepState& state) const {
  const auto& shape = convolution.shape;
  const auto images = ToTorch(input.Dense(engine::Layout::kNhwc));
  if (!state) state = std::make_shared<at::Tensor>(Pack(shape, images));
  const auto& packed = *std::static_pointer_cast<at::Tensor>(state);
  const auto bias = bias_.defined() ? std::make_optional(bias_) : std::nullopt;
  const auto padding = ToVector(shape.padding);
  const auto stride = ToVector(shape.stride);
  const auto dilation = ToVector(shape.dilation);
  engine::Tensor output;
  if (!residual.defined()) {
    output = FromTorch(FusedConvolution().call(images, packed, bias, padding, stride, dilation,
                                               shape.groups, convolution.relu ? "relu" : "none",
                                               Scalars(), ""));
  } else {
    output = std::move(residual).Writable();
    auto sum = ToTorch(output);
    FusedConvolutionAdd().call(
        sum, images, packed, bias, padding, stride, dilation, shape.groups, "add", 1.0,
        convolution.relu ? std::make_optional<std::string_view>("relu") : std::nullopt, Scalars(),
        "");
  }
  const auto& activation = convolution.activation;
  if (activation.kind != kernels::ActivationKind::kNone) {
    output = std::exchange(output, {}).Dense();
    kernels::RunActivation(activation, output.data<float>(), output.numel(),
                           output.mutable_data<float>());
  }
  return output;
}

}  // namespace semisup::plan
