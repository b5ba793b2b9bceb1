#pragma once
#include "kernels/buffer.h"
#include "kernels/convolution_kernel.h"
#include "kernels/simd_kernels.h"
#include "kernels/winograd/winograd_block.h"

namespace semisup::kernels {

// A 3x3 convolution (stride 1, padding 1, with a bias) by Winograd's minimal filtering (Lavin and
// Gray, 2015, "Fast algorithms for convolutional neural networks"): F(4x4, 3x3) takes 36
// multiplications for 16 outputs and F(2x2, 3x3) 16 for 4, while a direct convolution takes 144
// and 36.
//
// Fully transformed weights would be 4 times (F(4x4)) or 1.8 times (F(2x2)) the size of the 3x3
// filters. They are kept transformed along rows only, at 2 and 1.33 times; the micro-kernel
// transforms the columns in registers.
class WinogradConvolution final : public ConvolutionKernel<float> {
 public:
  // Whether the processor and the kernel support a convolution.
  static bool Supports(const ConvolutionShape& shape);

  // `weight`: [output_channels, input_channels / groups, 3, 3], contiguous. `tile`: the side of an
  // output tile, 4 or 2.
  WinogradConvolution(const float* weight, const ConvolutionShape& shape, int tile);
  // `packed`: the packed() of such a kernel. Throws std::invalid_argument for another size.
  WinogradConvolution(Buffer<float> packed, const ConvolutionShape& shape, int tile);

  void Run(const ConvolutionArguments<float>& arguments, Workspace& workspace) const override;
  const Buffer<float>& packed() const { return weight_; }

 private:
  WinogradShape ShapeOf(const ConvolutionShape& shape, int tile) const;

  const SimdKernels& kernels_ = *ActiveKernels();
  WinogradShape shape_;
  Buffer<float> weight_;
};

}  // namespace semisup::kernels
