#pragma once
#include <memory>

#include "kernels/buffer.h"
#include "plan/convolution.h"

namespace semisup::plan {

// A convolution in float32 (float) or bfloat16 (kernels::BFloat16). Begins with oneDNN.
template <class T>
class FloatConvolution final : public Convolution {
 public:
  // Converts the weights.
  FloatConvolution(program::ConvolutionSpec spec, engine::ConvolutionStep& step);

  bool Supports(Algorithm algorithm) const override;

 private:
  std::shared_ptr<const engine::ConvolutionAlgorithm> Make(Algorithm algorithm) const override;

  // In float32, for the kernels; empty if there is none.
  kernels::Buffer<float> bias_;
};

}  // namespace semisup::plan
