#pragma once
#include <cstdint>

#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// The shape of a grouped convolution after merging small groups.
struct GroupedShape : ConvolutionShape {
  int64_t vector_width;

  // The number of weights of one vector of output channels:
  // [kernel[0], kernel[1], group_inputs(), vector_width].
  int64_t weights_per_vector() const {
    return kernel[0] * kernel[1] * group_inputs() * vector_width;
  }
};

// One unit of work: output rows of a range of vectors of output channels. A thread may run several.
struct GroupedBlock {
  const ConvolutionArguments<float>& arguments;
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

}  // namespace semisup::kernels
