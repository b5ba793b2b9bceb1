#pragma once
#include "engine/float_step.h"
#include "kernels/pooling/average_pool.h"
#include "kernels/pooling/max_pool.h"

// Steps that pool images [n, c, h, w].
namespace semisup::engine {

// Of every dtype. Returns NHWC.
Tensor RunMaxPool(const Tensor& images, const kernels::MaxPool& pool);

// In every dtype.
class MaxPoolStep final : public KernelStep {
 public:
  explicit MaxPoolStep(const kernels::MaxPool& pool) : pool_(pool) {}

  bool Supports(const Tensors& inputs) const override { return inputs[0].dim() == 4; }
  std::optional<StepDescription> Describe() const override { return pool_; }
  Tensor Run(Tensors inputs) const override { return RunMaxPool(inputs[0], pool_); }

 private:
  const kernels::MaxPool pool_;
};

// Requires kernels::ActiveKernels().
class AveragePoolStep final : public FloatStep {
 public:
  explicit AveragePoolStep(const kernels::AveragePool& pool) : pool_(pool) {}

  std::optional<StepDescription> Describe() const override { return pool_; }

 private:
  bool SupportsShapes(const Tensors& inputs) const override { return inputs[0].dim() == 4; }
  Tensor RunInFloat32(Tensors inputs) const override;

  const kernels::AveragePool pool_;
};

// In bfloat16 for bfloat16, otherwise in float32.
class GlobalAveragePoolStep final : public KernelStep {
 public:
  explicit GlobalAveragePoolStep(const GlobalAveragePool& pool) : pool_(pool) {}

  bool Supports(const Tensors& inputs) const override { return inputs[0].dim() == 4; }
  std::optional<StepDescription> Describe() const override { return pool_; }
  Tensor Run(Tensors inputs) const override;

 private:
  const GlobalAveragePool pool_;
};

}  // namespace semisup::engine
