#pragma once
#include "kernels/buffer.h"
#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/direct/direct_block.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {

// A direct convolution, for kernels of more than one pixel or with a stride.
class DirectConvolution final : public ConvolutionKernel<float> {
 public:
  // Whether the processor and the kernel support a convolution.
  static bool Supports(const ConvolutionShape& shape);

  // `weight`: [output_channels, input_channels, rows, columns], contiguous.
  DirectConvolution(const float* weight, const ConvolutionShape& shape);
  // `packed`: the packed() of such a kernel. Throws std::invalid_argument for another size.
  DirectConvolution(Buffer<float> packed, const ConvolutionShape& shape);

  void Run(const ConvolutionArguments<float>& arguments, Workspace& workspace) const override;
  const Buffer<float>& packed() const { return weight_; }
  bool FusesMaxPool() const override { return true; }
  bool AcceptsNchw() const override { return shape_.input_channels <= kMaxNchwChannels; }

 private:
  // `row_stride`: the distance between the rows of a window.
  DirectTaps TapsOf(int64_t row_stride) const;

  const SimdKernels& kernels_ = *ActiveKernels();
  ConvolutionShape shape_;
  // See PackPanels().
  Buffer<float> weight_;
};

}  // namespace semisup::kernels
