#pragma once
#include <memory>
#include <optional>

#include "kernels/int8/int8_convolution.h"
#include "plan/convolution.h"
#include "plan/quantization.h"

namespace semisup::plan {

// A convolution of uint8 inputs: int8 weights with a scale per output channel, int32 accumulators,
// float32 bias.
class Int8Convolution final : public Convolution {
 public:
  Int8Convolution(const program::ConvolutionSpec& spec, const Quantization& input,
                  const std::optional<Quantization>& residual, const Quantization& output);

  at::Tensor Run(const at::Tensor& input, at::Tensor residual, ExecutionMode mode,
                 at::Tensor& packed) const override;
  bool Supports(Algorithm algorithm) const override;

 private:
  void Prepare(Algorithm algorithm) override;
  void ReleaseUnselectedKernels() override;
  kernels::RequantizationParameters MakeRequantization() const;
  at::Tensor PackForOneDnn(const at::Tensor& input) const;
  at::Tensor RunOneDnn(const at::Tensor& input, at::Tensor residual,
                       const at::Tensor& packed) const;
  at::Tensor RunKernel(const at::Tensor& input, const at::Tensor& residual) const;

  // Of the weights, per output channel.
  at::Tensor scales_;
  at::Tensor zero_points_;
  Quantization input_;
  std::optional<Quantization> residual_;
  Quantization output_;
  kernels::RequantizationParameters requantization_;
  // Null unless kDirect is selected.
  std::unique_ptr<const kernels::Int8Convolution> kernel_;
};

}  // namespace semisup::plan
