#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

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
  at::Tensor Run(const at::Tensor& input, at::Tensor other, Setting setting);

 private:
  using Shape = std::array<int64_t, 4>;
  at::Tensor PackedFor(const at::Tensor& input, Setting setting);

  ConvolutionSpec spec_;
  at::Tensor scales_;
  at::Tensor zero_points_;
  Quantization input_;
  std::optional<Quantization> other_;
  Quantization output_;
  std::mutex mutex_;
  std::map<Shape, at::Tensor> packed_;
};

}  // namespace semisup::plan
