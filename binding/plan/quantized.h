#pragma once
#include <memory>
#include <optional>

#include "byte_convolution.h"
#include "bytes.h"
#include "convolution.h"

namespace semisup::plan {

// A convolution of bytes. Weights are 8 bits with a scale for each output channel, sums 32 bits,
// and the bias is float32. Tensors are uint8.
class QuantizedConvolution final : public Convolution {
 public:
  QuantizedConvolution(const ConvolutionSpec& spec, const Quantization& input,
                       const std::optional<Quantization>& other, const Quantization& output);

  at::Tensor Run(const at::Tensor& input, at::Tensor other, Setting setting,
                 at::Tensor& packed) const override;
  bool Takes(Algorithm algorithm) const override;

 private:
  void Prepare(Algorithm algorithm) override;
  void Free() override;
  at::Tensor RunDirect(const at::Tensor& input, at::Tensor other, const at::Tensor& packed) const;
  at::Tensor RunBytes(const at::Tensor& input, const at::Tensor& other) const;
  at::Tensor Pack(const at::Tensor& input) const;
  ByteConvolution::Meaning MeaningOfBytes() const;

  at::Tensor scales_;
  at::Tensor zero_points_;
  Quantization input_;
  std::optional<Quantization> other_;
  Quantization output_;
  ByteConvolution::Meaning meaning_;
  std::unique_ptr<const ByteConvolution> bytes_;
};

}  // namespace semisup::plan
