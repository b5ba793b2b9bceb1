#pragma once
#include "engine/float_step.h"

namespace semisup::engine {

// Requires kernels::ActiveKernels().
class BinaryStep final : public FloatStep {
 public:
  explicit BinaryStep(Binary binary);

  std::optional<StepDescription> Describe() const override { return binary_; }

 private:
  Tensor RunInFloat32(Tensors inputs) const override;
  Tensor RunWithConstant(Tensor input) const;
  // `row` has one value for each column of the dense tensor `a`.
  Tensor CombineWithRow(Tensor a, const Tensor& row) const;
  // `b` has one value per image and channel of the images `a`.
  static Tensor RunPerChannel(kernels::BinaryOperation operation, Tensor a, const Tensor& b);
  Tensor RunBroadcasting(Tensor a, Tensor b) const;

  const Binary binary_;
  // A view of the description's; undefined if the second operand is a tensor.
  const Tensor constant_;
};

}  // namespace semisup::engine
