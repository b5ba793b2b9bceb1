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

  bool Supports(const Tensors&) const override { return true; }
  Tensor Run(Tensors inputs) const override { return RunMaxPool(inputs[0], pool_); }

 private:
  const kernels::MaxPool pool_;
};

// Requires kernels::ActiveKernels().
class AveragePoolStep final : public FloatStep {
 public:
  explicit AveragePoolStep(const kernels::AveragePool& pool) : pool_(pool) {}

 private:
  Tensor RunInFloat32(Tensors inputs) const override;

  const kernels::AveragePool pool_;
};

// The mean over height and width: bfloat16 for bfloat16, otherwise float32.
class GlobalAveragePoolStep final : public KernelStep {
 public:
  // `keeps_dimensions`: whether height and width remain as dimensions of size 1.
  explicit GlobalAveragePoolStep(bool keeps_dimensions) : keeps_dimensions_(keeps_dimensions) {}

  bool Supports(const Tensors&) const override { return true; }
  Tensor Run(Tensors inputs) const override;

 private:
  const bool keeps_dimensions_;
};

}  // namespace semisup::engine
