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
  // `b` has one value per image and channel of the images `a`.
  static Tensor RunPerChannel(kernels::BinaryOperation operation, Tensor a, const Tensor& b);
  static Tensor RunOnSameShapes(kernels::BinaryOperation operation, Tensor a, Tensor b);

  const Binary binary_;
  // A view of the description's; undefined if the second operand is a tensor.
  const Tensor constant_;
};

}  // namespace semisup::engine
