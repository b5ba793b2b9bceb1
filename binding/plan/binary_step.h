#pragma once
#include "plan/kernel_step.h"
#include "program/computation.h"

namespace semisup::plan {

// A sum, a difference or a product of two tensors of the same shape, of images and one value per
// image and channel, or of a tensor and a constant: a number or one value per channel.
class BinaryStep final : public KernelStep {
 public:
  explicit BinaryStep(program::BinarySpec spec) : spec_(std::move(spec)) {}

  bool Supports(const Tensors& inputs) const override;
  at::Tensor Run(Tensors inputs) const override;

 private:
  at::Tensor RunWithConstant(at::Tensor input) const;
  // `b` has one value per image and channel of the images `a`.
  static at::Tensor RunPerChannel(kernels::BinaryOperation operation, at::Tensor a,
                                  const at::Tensor& b);
  at::Tensor RunOnSameShapes(at::Tensor a, at::Tensor b) const;

  const program::BinarySpec spec_;
};

}  // namespace semisup::plan
