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
  if (affine_.activation.kind != kernels::ActivationKind::kNone) return false;
  affine_.activation = activation;
  return true;
}

Tensor AffineStep::RunInFloat32(Tensors inputs) const {
  const auto input = std::exchange(inputs[0], {}).Dense(Layout::kNhwc);
  auto output = OutputLike(input);
  const int64_t channels = input.size(1);
  kernels::RunAffine({.input = input.data<float>(),
                      .scale = affine_.scale.data(),
                      .shift = affine_.shift.data(),
                      .output = output.mutable_data<float>(),
                      .rows = input.numel() / channels,
                      .columns = channels,
                      .activation = affine_.activation});
  return output;
}

Tensor LayerNormStep::RunInFloat32(Tensors inputs) const {
  const auto input = std::exchange(inputs[0], {}).Dense(Layout::kNchw);
  auto output = OutputLike(input);
  kernels::RunLayerNorm({.input = input.data<float>(),
                         .weight = norm_.weight.data(),
                         .bias = norm_.bias.data(),
                         .output = output.mutable_data<float>(),
                         .rows = input.numel() / norm_.columns,
                         .columns = norm_.columns,
                         .epsilon = static_cast<float>(norm_.epsilon)});
  return output;
}

}  // namespace semisup::engine
