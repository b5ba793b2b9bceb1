#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

#include "bytes.h"
#include "convolution.h"

namespace semisup::plan {

// A convolution of bytes, with what follows it, in one pass. Weights are 8 bits with a scale for
// each output channel, sums 32 bits, and the bias is float32. Tensors are uint8, channels-last.
class QuantizedConvolution {
 public:
  QuantizedConvolution(const ConvolutionSpec& spec, const Quantization& input,
                       const std::optional<Quantization>& other, const Quantization& output);

  // `other` is undefined, or what is to be added, which is overwritten where nothing else holds it.
  // `packed` is as for Convolution.
  at::Tensor Run(const at::Tensor& input, at::Tensor other, at::Tensor& packed);

 private:
  at::Tensor Pack(const at::Tensor& input) const;

  ConvolutionSpec spec_;
  at::Tensor scales_;
  at::Tensor zero_points_;
  Quantization input_;
  std::optional<Quantization> other_;
  Quantization output_;
};

}  // namespace semisup::plan
