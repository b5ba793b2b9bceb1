#pragma once
#include "kernels/buffer.h"
#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {

// A depthwise convolution: each output channel depends on the input channel of the same index only.
class DepthwiseConvolution final : public ConvolutionKernel<float> {
 public:
  // Whether the processor and the kernel support a convolution.
  static bool Supports(const ConvolutionShape& shape);

  // `weight`: [channels, 1, rows, columns], contiguous.
  DepthwiseConvolution(const float* weight, const ConvolutionShape& shape);
  // `packed`: the packed() of such a kernel. Throws std::invalid_argument for another size.
  DepthwiseConvolution(Buffer<float> packed, const ConvolutionShape& shape);

  void Run(const ConvolutionArguments<float>& arguments, Workspace& workspace) const override;
  const Buffer<float>& packed() const { return weight_; }

 private:
  int64_t PackedSize() const;

  const SimdKernels& kernels_ = *ActiveKernels();
  ConvolutionShape shape_;
  // For each vector of channels: [rows, columns, kernels_.vector_width]. The weights beyond the
  // last channel are zero.
  Buffer<float> weight_;
};

}  // namespace semisup::kernels
