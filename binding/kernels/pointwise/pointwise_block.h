#pragma once
#include "kernels/bfloat16.h"
#include "kernels/convolution_kernel.h"
#include "kernels/cpu_features.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// The number of output channels of a packed panel of weights.
constexpr int64_t kPointwisePanel = 4 * kVectorWidth;

// One unit of work: the output channels `outputs` of a range of pixels. A thread may run several.
template <class Weight>
struct PointwiseBlock {
  const ConvolutionArguments& arguments;
  // For each panel: [input_channels, kPointwisePanel].
  const Weight* weight;
  int64_t input_channels;
  int64_t output_channels;
  Range pixels;
  // Whole panels.
  Range outputs;
};

// Require AVX-512.
void RunPointwiseBlockAvx512(const PointwiseBlock<float>& block);
void RunPointwiseBlockAvx512(const PointwiseBlock<BFloat16>& block);

}  // namespace semisup::kernels
