#pragma once
#include "engine/step.h"
#include "kernels/pointwise/pointwise.h"

namespace semisup::engine {

// A layer that is computed by the pointwise kernel. Sums are float32 in every precision:
// each weight is used for only a few rows, so memory bandwidth limits the layer, not arithmetic.
// Requires kernels::ActiveKernels().
class LinearStep final : public KernelStep {
 public:
  // `weight`: [outputs, inputs], not packed. `bias`: [outputs], or empty.
  LinearStep(const float* weight, kernels::Buffer<float> bias, int64_t inputs, int64_t outputs);
  explicit LinearStep(Linear linear);

  // Of rows [n, inputs] or pixels [n, h, w, inputs]. Those of pixels in bfloat16 are many, so that
  // arithmetic in bfloat16 is faster.
  bool Supports(const Tensors& inputs) const override {
    return inputs[0].dim() != 4 || inputs[0].dtype() != DType::kBFloat16;
  }
  std::optional<StepDescription> Describe() const override;
  // Returns float32.
  Tensor Run(Tensors inputs) const override;
  bool FuseActivation(const kernels::Activation& activation) override;
  // Rounds the weights to bfloat16, for networks with a lower precision than float32.
  void ConvertToBFloat16() { product_.ConvertToBFloat16(); }

 private:
  // Its weights are those of the product.
  Linear linear_;
  kernels::PointwiseConvolution product_;
};

}  // namespace semisup::engine
