#pragma once
#include <cstdint>
#include <variant>

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/buffer.h"
#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {

// A 1x1 convolution, computed as a matrix product of NHWC pixels and packed weights.
class PointwiseConvolution final : public ConvolutionKernel<float> {
 public:
  // Whether the processor and the kernel support a convolution.
  static bool Supports(const ConvolutionShape& shape);

  // `weight`: [output_channels, input_channels], contiguous.
  PointwiseConvolution(const float* weight, int64_t input_channels, int64_t output_channels);
  using Packed = std::variant<Buffer<float>, Buffer<BFloat16>>;
  // `packed`: the packed() of such a kernel. Throws std::invalid_argument for another size.
  PointwiseConvolution(Packed packed, int64_t input_channels, int64_t output_channels);

  void Run(const ConvolutionArguments<float>& arguments, Workspace& workspace) const override;
  const Packed& packed() const { return weight_; }
  bool NeedsSubsampledInput() const override { return true; }
  // Rounds the weights to bfloat16, which halves the bytes read.
  void ConvertToBFloat16();

 private:
  ConvolutionShape Shape() const;
  template <class Weight>
  void RunWith(const Weight* weight, void (*run_block)(const PointwiseBlock<Weight>&),
               const ConvolutionArguments<float>& arguments) const;

  const SimdKernels& kernels_ = *ActiveKernels();
  int64_t input_channels_;
  int64_t output_channels_;
  // See PackPanels().
  Packed weight_;
};

}  // namespace semisup::kernels
