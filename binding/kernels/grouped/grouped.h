#pragma once
#include "kernels/buffer.h"
#include "kernels/convolution_kernel.h"
#include "kernels/grouped/grouped_block.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {

// A direct convolution in groups of few channels.
class GroupedConvolution final : public ConvolutionKernel<float> {
 public:
  // Whether the processor and the kernel support a convolution.
  static bool Supports(const ConvolutionShape& shape);

  // `weight`: [output_channels, input_channels / groups, rows, columns], contiguous.
  GroupedConvolution(const float* weight, const ConvolutionShape& shape);
  // `packed`: the packed() of such a kernel. Throws std::invalid_argument for another size.
  GroupedConvolution(Buffer<float> packed, const ConvolutionShape& shape);

  void Run(const ConvolutionArguments<float>& arguments, Workspace& workspace) const override;
  const Buffer<float>& packed() const { return weight_; }

 private:
  GroupedShape ShapeOf(const ConvolutionShape& shape) const {
    return {shape.WithMergedGroups(kernels_.vector_width, kernels_.vector_width),
            kernels_.vector_width};
  }

  const SimdKernels& kernels_ = *ActiveKernels();
  GroupedShape shape_;
  Buffer<float> weight_;
};

}  // namespace semisup::kernels
