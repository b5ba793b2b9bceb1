#pragma once
#include <ATen/core/Tensor.h>

#include "engine/convolution_algorithm.h"

namespace semisup::plan {

// oneDNN's convolution of float32 or bfloat16 images. Its state is the packed weights.
class OneDnnConvolution final : public engine::ConvolutionAlgorithm {
 public:
  // `weight` and `bias` have the images' dtype; `bias` may be undefined.
  OneDnnConvolution(at::Tensor weight, at::Tensor bias)
      : weight_(std::move(weight)), bias_(std::move(bias)) {}

  engine::Tensor Run(const engine::FusedConvolution& convolution, const engine::Tensor& input,
                     engine::Tensor residual, engine::ExecutionMode mode,
                     engine::StepState& state) const override;
  bool HasState() const override { return true; }

 private:
  at::Tensor Pack(const kernels::ConvolutionShape& shape, const at::Tensor& input) const;

  const at::Tensor weight_;
  const at::Tensor bias_;
};

}  // namespace semisup::plan
