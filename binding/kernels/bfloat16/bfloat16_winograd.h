#pragma once
#include "kernels/bfloat16/bfloat16.h"
#include "kernels/bfloat16/bfloat16_kernel.h"
#include "kernels/buffer.h"
#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"

namespace semisup::kernels {

// A 3x3 convolution (stride 1, padding 1) of bfloat16 images by Winograd's F(2x2, 3x3), as
// WinogradConvolution's: 16 multiplications for 4 outputs instead of 36. The transforms and sums
// are float32. The transformed inputs and weights are rounded to bfloat16, which adds about twice
// the error of rounding the outputs. Thread-safe.
class BFloat16Winograd final : public ConvolutionKernel<BFloat16> {
 public:
  // Whether the processor and the kernel support a convolution.
  static bool Supports(const ConvolutionShape& shape);

  // `weight`: [output_channels, input_channels, 3, 3], contiguous.
  BFloat16Winograd(const BFloat16* weight, const ConvolutionShape& shape);
  // `packed`: the packed() of such a kernel. Throws std::invalid_argument for another size.
  BFloat16Winograd(Buffer<BFloat16> packed, const ConvolutionShape& shape);

  void Run(const ConvolutionArguments<BFloat16>& arguments, Workspace& workspace) const override;
  const Buffer<BFloat16>& packed() const { return weights_; }

 private:
  const BFloat16Kernel& kernel_ = *ActiveBFloat16Kernel();
  ConvolutionShape shape_;
  // By point and panel: [input_channels / 2, panel, 2].
  Buffer<BFloat16> weights_;
};

}  // namespace semisup::kernels
