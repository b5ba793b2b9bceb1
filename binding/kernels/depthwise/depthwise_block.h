#pragma once
#include <cstdint>

#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// One unit of work: output rows of a range of vectors of channels. A thread may run several.
struct DepthwiseBlock {
  const ConvolutionArguments<float>& arguments;
  const ConvolutionShape& shape;
  // For each vector of channels: [rows, columns, SimdKernels::vector_width].
  const float* weight;
  // Indices into the output rows of the whole batch.
  Range rows;
  Range vectors;
};

}  // namespace semisup::kernels
