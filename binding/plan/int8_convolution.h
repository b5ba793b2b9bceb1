#pragma once
#include <memory>

#include "kernels/int8/int8_convolution.h"
#include "plan/convolution.h"

namespace semisup::plan {

// A convolution of quantized images: int8 weights with a scale per output channel, int32
// accumulators, float32 bias. Begins with oneDNN.
class Int8Convolution final : public Convolution {
 public:
  // Quantizes the weights for the quantizations of `step`.
  Int8Convolution(const program::ConvolutionSpec& spec, engine::ConvolutionStep& step);

  bool Supports(Algorithm algorithm) const override;

 private:
  std::shared_ptr<const engine::ConvolutionAlgorithm> Make(Algorithm algorithm) const override;
  kernels::RequantizationParameters MakeRequantization() const;
  // Whether there is an int8 kernel; otherwise float32 kernels compute with the quantized weights.
  bool HasKernel() const;

  // Of the weights, per output channel.
  at::Tensor scales_;
  kernels::RequantizationParameters requantization_;
};

}  // namespace semisup::plan
