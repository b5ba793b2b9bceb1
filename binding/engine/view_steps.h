#pragma once
#include "engine/step.h"

// Steps that compute nothing, in every dtype.
namespace semisup::engine {

class IdentityStep final : public KernelStep {
 public:
  bool Supports(const Tensors&) const override { return true; }
  Tensor Run(Tensors inputs) const override { return std::move(inputs[0]); }
};

class PermutationStep final : public KernelStep {
 public:
  // Dimension i of the result is dimension order[i] of the input.
  explicit PermutationStep(std::vector<int64_t> order) : order_(std::move(order)) {}

  bool Supports(const Tensors& inputs) const override {
    return inputs[0].sizes().size() == order_.size();
  }
  Tensor Run(Tensors inputs) const override { return inputs[0].Permuted(order_); }

 private:
  const std::vector<int64_t> order_;
};

// Images [n, c, h, w] as rows [n, c * h * w].
class FlatteningStep final : public KernelStep {
 public:
  bool Supports(const Tensors&) const override { return true; }
  Tensor Run(Tensors inputs) const override {
    const auto dense = std::exchange(inputs[0], {}).Dense(Layout::kNchw);
    const int64_t rows = dense.size(0);
    return dense.Reshaped({rows, dense.numel() / rows});
  }
};

}  // namespace semisup::engine
