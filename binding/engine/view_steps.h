#pragma once
#include "engine/step.h"

// Steps that compute nothing, in every dtype.
namespace semisup::engine {

class IdentityStep final : public KernelStep {
 public:
  bool Supports(const Tensors&) const override { return true; }
  std::optional<StepDescription> Describe() const override { return Identity(); }
  Tensor Run(Tensors inputs) const override { return std::move(inputs[0]); }
};

class PermutationStep final : public KernelStep {
 public:
  explicit PermutationStep(Permutation permutation) : permutation_(std::move(permutation)) {}

  bool Supports(const Tensors& inputs) const override {
    return inputs[0].sizes().size() == permutation_.order.size();
  }
  std::optional<StepDescription> Describe() const override { return permutation_; }
  Tensor Run(Tensors inputs) const override { return inputs[0].Permuted(permutation_.order); }

 private:
  const Permutation permutation_;
};

class FlatteningStep final : public KernelStep {
 public:
  bool Supports(const Tensors&) const override { return true; }
  std::optional<StepDescription> Describe() const override { return Flattening(); }
  Tensor Run(Tensors inputs) const override {
    const auto dense = std::exchange(inputs[0], {}).Dense(Layout::kNchw);
    const int64_t rows = dense.size(0);
    return dense.Reshaped({rows, dense.numel() / rows});
  }
};

}  // namespace semisup::engine
