#pragma once
#include <utility>

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/bfloat16/bfloat16_kernel.h"
#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/dot/dot_weights.h"

namespace semisup::kernels {

// A direct convolution of bfloat16 images with float32 sums. Thread-safe.
class BFloat16Convolution final : public ConvolutionKernel<BFloat16> {
 public:
  // Whether the processor and the kernel support a convolution.
  static bool Supports(const ConvolutionShape& shape);

  // `weight`: [output_channels, input_channels, rows, columns], contiguous.
  BFloat16Convolution(const BFloat16* weight, const ConvolutionShape& shape);
  // `packed`: the packed() of such a kernel. Throws std::invalid_argument for another size.
  BFloat16Convolution(Buffer<BFloat16> packed, const ConvolutionShape& shape)
      : shape_(shape), weights_(std::move(packed), shape, kernel_.panel) {}

  void Run(const ConvolutionArguments<BFloat16>& arguments, Workspace& workspace) const override;
  const Buffer<BFloat16>& packed() const { return weights_.packed(); }
  bool FusesMaxPool() const override { return true; }

 private:
  const BFloat16Kernel& kernel_ = *ActiveBFloat16Kernel();
  ConvolutionShape shape_;
  PackedDotWeights<BFloat16> weights_;
};

}  // namespace semisup::kernels
