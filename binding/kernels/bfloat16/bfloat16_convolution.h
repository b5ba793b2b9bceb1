#pragma once
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

  void Run(const ConvolutionArguments<BFloat16>& arguments, Workspace& workspace) const override;
  bool FusesMaxPool() const override { return true; }

 private:
  const BFloat16Kernel& kernel_ = *ActiveBFloat16Kernel();
  ConvolutionShape shape_;
  PackedDotWeights<BFloat16> weights_;
};

}  // namespace semisup::kernels
