#pragma once
#include "engine/float_step.h"
#include "kernels/buffer.h"
#include "kernels/elementwise/activation.h"

// Steps that compute each element, or each row, of one tensor. They require
// kernels::ActiveKernels().
namespace semisup::engine {

class ActivationStep final : public FloatStep {
 public:
  explicit ActivationStep(const kernels::Activation& activation) : activation_(activation) {}

 private:
  Tensor RunInFloat32(Tensors inputs) const override;

  const kernels::Activation activation_;
};

// A batch normalization with constant statistics, as a factor and a term per channel.
class AffineStep final : public FloatStep {
 public:
  AffineStep(kernels::Buffer<float> scale, kernels::Buffer<float> shift)
      : scale_(std::move(scale)), shift_(std::move(shift)) {}

  bool FuseActivation(const kernels::Activation& activation) override;

 private:
  bool SupportsShapes(const Tensors& inputs) const override {
    return inputs[0].size(1) == scale_.size();
  }
  Tensor RunInFloat32(Tensors inputs) const override;

  const kernels::Buffer<float> scale_;
  const kernels::Buffer<float> shift_;
  kernels::Activation activation_;
};

// A normalization over the last dimension.
class LayerNormStep final : public FloatStep {
 public:
  // `weight` and `bias` have `columns` elements, or none.
  LayerNormStep(int64_t columns, kernels::Buffer<float> weight, kernels::Buffer<float> bias,
                double epsilon)
      : columns_(columns), weight_(std::move(weight)), bias_(std::move(bias)), epsilon_(epsilon) {}

 private:
  bool SupportsShapes(const Tensors& inputs) const override {
    return inputs[0].size(-1) == columns_;
  }
  Tensor RunInFloat32(Tensors inputs) const override;

  const int64_t columns_;
  const kernels::Buffer<float> weight_;
  const kernels::Buffer<float> bias_;
  const double epsilon_;
};

}  // namespace semisup::engine
