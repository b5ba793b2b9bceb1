#pragma once
#include "engine/float_step.h"
#include "kernels/elementwise/binary.h"

namespace semisup::engine {

// A sum, a difference or a product of two tensors, or of a tensor and a constant. Requires
// kernels::ActiveKernels().
class BinaryStep final : public FloatStep {
 public:
  // `constant`: the second operand; undefined if that is a tensor.
  BinaryStep(kernels::BinaryOperation operation, Tensor constant)
      : operation_(operation), constant_(std::move(constant)) {}

 private:
  Tensor RunInFloat32(Tensors inputs) const override;
  Tensor RunWithConstant(Tensor input) const;
  // `b` has one value per image and channel of the images `a`.
  static Tensor RunPerChannel(kernels::BinaryOperation operation, Tensor a, const Tensor& b);
  static Tensor RunOnSameShapes(kernels::BinaryOperation operation, Tensor a, Tensor b);

  const kernels::BinaryOperation operation_;
  const Tensor constant_;
};

}  // namespace semisup::engine
