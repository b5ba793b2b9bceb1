#pragma once
#include <ATen/core/Tensor.h>

#include "engine/convolution_algorithm.h"

namespace semisup::plan {

// oneDNN's convolution of quantized images. Its state is the packed weights.
class OneDnnInt8Convolution final : public engine::ConvolutionAlgorithm {
 public:
  // `weight`: int8. `scales` and `zero_points`: those of the weights, per output channel. `bias`:
  // float32, or undefined.
  OneDnnInt8Convolution(at::Tensor weight, at::Tensor scales, at::Tensor zero_points,
                        at::Tensor bias)
      : weight_(std::move(weight)),
        scales_(std::move(scales)),
        zero_points_(std::move(zero_points)),
        bias_(std::move(bias)) {}

  engine::Tensor Run(const engine::FusedConvolution& convolution, const engine::Tensor& input,
                     engine::Tensor residual, engine::ExecutionMode mode,
                     engine::StepState& state) const override;
  bool HasState() const override { return true; }

 private:
  at::Tensor Pack(const engine::FusedConvolution& convolution, const at::Tensor& input) const;

  const at::Tensor weight_;
  const at::Tensor scales_;
  const at::Tensor zero_points_;
  const at::Tensor bias_;
};

}  // namespace semisup::plan
