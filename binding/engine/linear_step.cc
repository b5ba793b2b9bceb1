#include "engine/linear_step.h"

#include <stdexcept>

#include "engine/convert.h"
#include "engine/memory.h"

namespace semisup::engine {

bool LinearStep::FuseActivation(const kernels::Activation& activation) {
  if (activation_.kind != kernels::ActivationKind::kNone) return false;
  activation_ = activation;
  return true;
}

Tensor LinearStep::Run(Tensors inputs) const {
  const auto rows = ToFloat32(inputs[0]).Dense(Layout::kNchw);
  if (rows.size(-1) != inputs_) {
    throw std::invalid_argument("Expected rows of " + std::to_string(inputs_) +
                                " features for a linear layer, but received a tensor of shape " +
                                ToString(rows.sizes()) + ".");
  }
  auto sizes = rows.sizes();
  sizes.back() = outputs_;
  auto output = Tensor::Empty(sizes, DType::kFloat32);
  ScratchMemory scratch;
  product_.Run({.input = rows.data<float>(),
                .bias = bias_.data(),
                .residual = nullptr,
                .output = output.mutable_data<float>(),
                .batch = rows.numel() / inputs_,
                .height = 1,
                .width = 1,
                .input_height = 1,
                .input_width = 1,
                .relu = false,
                .activation = activation_},
               scratch);
  return output;
}

}  // namespace semisup::engine
