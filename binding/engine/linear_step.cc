#include "engine/linear_step.h"

#include <stdexcept>
#include <utility>

#include "engine/convert.h"
#include "engine/memory.h"

namespace semisup::engine {

LinearStep::LinearStep(const float* weight, kernels::Buffer<float> bias, int64_t inputs,
                       int64_t outputs)
    : linear_{.inputs = inputs,
              .outputs = outputs,
              .weight = {},
              .bias = std::move(bias),
              .activation = {}},
      product_(weight, inputs, outputs) {}

LinearStep::LinearStep(Linear linear)
    : linear_(std::move(linear)), product_(linear_.weight, linear_.inputs, linear_.outputs) {}

std::optional<StepDescription> LinearStep::Describe() const {
  return Linear{.inputs = linear_.inputs,
                .outputs = linear_.outputs,
                .weight = product_.packed(),
                .bias = linear_.bias,
                .activation = linear_.activation};
}

bool LinearStep::FuseActivation(const kernels::Activation& activation) {
  if (linear_.activation.kind != kernels::ActivationKind::kNone) return false;
  linear_.activation = activation;
  return true;
}

Tensor LinearStep::Run(Tensors inputs) const {
  const auto rows = ToFloat32(inputs[0]).Dense(Layout::kNchw);
  if (rows.size(-1) != linear_.inputs) {
    throw std::invalid_argument("Expected rows of " + std::to_string(linear_.inputs) +
                                " features for a linear layer, but received a tensor of shape " +
                                ToString(rows.sizes()) + ".");
  }
  auto sizes = rows.sizes();
  sizes.back() = linear_.outputs;
  auto output = Tensor::Empty(sizes, DType::kFloat32);
  ScratchMemory scratch;
  product_.Run({.input = rows.data<float>(),
                .bias = linear_.bias.data(),
                .residual = nullptr,
                .output = output.mutable_data<float>(),
                .batch = rows.numel() / linear_.inputs,
                .height = 1,
                .width = 1,
                .input_height = 1,
                .input_width = 1,
                .relu = false,
                .activation = linear_.activation},
               scratch);
  return output;
}

}  // namespace semisup::engine
