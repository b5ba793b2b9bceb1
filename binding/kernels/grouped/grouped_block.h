#pragma once
#include <cstdint>

#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/cpu_features.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// The shape of a grouped convolution after merging small groups.
struct GroupedShape : ConvolutionShape {
  // The weights of a vector of outputs: [kernel[0], kernel[1], group_inputs(), kVectorWidth].
  int64_t weights_per_vector() const {
    return kernel[0] * kernel[1] * group_inputs() * kVectorWidth;
  }
};

// The work of one thread: some output rows of some vectors of output channels.
struct GroupedBlock {
  const ConvolutionArguments& arguments;
  const GroupedShape& shape;
  const float* weight;
  // The maximum number of rows of an image that are computed at a time.
  int64_t rows_per_pass;
  // For the padded input rows of one pass, reduced to the channels of a group.
  float* scratch;
  // Indices into the output rows of the whole batch.
  Range rows;
  Range vectors;
};

// Requires AVX-512.
void RunGroupedBlockAvx512(const GroupedBlock& block);

}  // namespace semisup::kernels
