#pragma once
#include <cstdint>

#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/cpu_features.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// The shape of a grouped convolution after merging small groups.
struct GroupedShape : ConvolutionShape {
  // The number of weights of one vector of output channels:
  // [kernel[0], kernel[1], group_inputs(), kVectorWidth].
  int64_t weights_per_vector() const {
    return kernel[0] * kernel[1] * group_inputs() * kVectorWidth;
  }
};

// One unit of work: output rows of a range of vectors of output channels. A thread may run several.
struct GroupedBlock {
  const ConvolutionArguments& arguments;
  const GroupedShape& shape;
  const float* weight;
  // The maximum number of output rows, all of one image, that are computed per pass.
  int64_t rows_per_pass;
  // For the padded input rows of one pass, with only the channels of one group.
  float* scratch;
  // Indices into the output rows of the whole batch.
  Range rows;
  Range vectors;
};

// Requires AVX-512.
void RunGroupedBlockAvx512(const GroupedBlock& block);

}  // namespace semisup::kernels
