#pragma once
#include "kernels/convolution_kernel.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// One unit of work: the output channels `outputs` of a range of pixels. A thread may run several.
template <class Weight>
struct PointwiseBlock {
  const ConvolutionArguments<float>& arguments;
  // See PackPanels().
  const Weight* weight;
  int64_t input_channels;
  int64_t output_channels;
  Range pixels;
  // Whole panels, of which the last of all may be partial.
  Range outputs;
};

}  // namespace semisup::kernels
