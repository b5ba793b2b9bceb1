#pragma once
#include "engine/float_step.h"

// Steps that compute each element, or each row, of one tensor. They require
// kernels::ActiveKernels().
namespace semisup::engine {

class ActivationStep final : public FloatStep {
 public:
  explicit ActivationStep(const kernels::Activation& activation) : activation_(activation) {}

  std::optional<StepDescription> Describe() const override { return activation_; }

 private:
  Tensor RunInFloat32(Tensors inputs) const override;

  const kernels::Activation activation_;
};

class AffineStep final : public FloatStep {
 public:
  explicit AffineStep(Affine affine) : affine_(std::move(affine)) {}

  std::optional<StepDescription> Describe() const override { return affine_; }
  bool FuseActivation(const kernels::Activation& activation) override;

 private:
  bool SupportsShapes(const Tensors& inputs) const override {
    return inputs[0].dim() > 1 && inputs[0].size(1) == affine_.scale.size();
  }
  Tensor RunInFloat32(Tensors inputs) const override;

  Affine affine_;
};

class LayerNormStep final : public FloatStep {
 public:
  explicit LayerNormStep(LayerNorm norm) : norm_(std::move(norm)) {}

  std::optional<StepDescription> Describe() const override { return norm_; }

 private:
  bool SupportsShapes(const Tensors& inputs) const override {
    return inputs[0].size(-1) == norm_.columns;
  }
  Tensor RunInFloat32(Tensors inputs) const override;

  const LayerNorm norm_;
};

}  // namespace semisup::engine
