#include "engine/elementwise_steps.h"

#include "kernels/elementwise/affine.h"
#include "kernels/normalization/layer_norm.h"

namespace semisup::engine {

Tensor ActivationStep::RunInFloat32(Tensors inputs) const {
  const auto input = std::exchange(inputs[0], {}).Dense();
  auto output = OutputLike(input);
  kernels::RunActivation(activation_, input.data<float>(), input.numel(),
                         output.mutable_data<float>());
  return output;
}

bool AffineStep::FuseActivation(const kernels::Activation& activation) {
  if (activation_.kind != kernels::ActivationKind::kNone) return false;
  activation_ = activation;
  return true;
}

Tensor AffineStep::RunInFloat32(Tensors inputs) const {
  const auto input = std::exchange(inputs[0], {}).Dense(Layout::kNhwc);
  auto output = OutputLike(input);
  const int64_t channels = input.size(1);
  kernels::RunAffine({.input = input.data<float>(),
                      .scale = scale_.data(),
                      .shift = shift_.data(),
                      .output = output.mutable_data<float>(),
                      .rows = input.numel() / channels,
                      .columns = channels,
                      .activation = activation_});
  return output;
}

Tensor LayerNormStep::RunInFloat32(Tensors inputs) const {
  const auto input = std::exchange(inputs[0], {}).Dense(Layout::kNchw);
  auto output = OutputLike(input);
  kernels::RunLayerNorm({.input = input.data<float>(),
                         .weight = weight_.data(),
                         .bias = bias_.data(),
                         .output = output.mutable_data<float>(),
                         .rows = input.numel() / columns_,
                         .columns = columns_,
                         .epsilon = static_cast<float>(epsilon_)});
  return output;
}

}  // namespace semisup::engine
