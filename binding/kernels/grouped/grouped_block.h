#pragma once
#include <algorithm>
#include <cstdint>

#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// The shape of a grouped convolution after merging small groups.
struct GroupedShape : ConvolutionShape {
  int64_t vector_width;

  // The vectors of output channels. The last one of each group may be partial.
  int64_t vectors_per_group() const { return CeilDiv(group_outputs(), vector_width); }
  int64_t vectors() const { return groups * vectors_per_group(); }
  // The output channels of a vector.
  Range OutputsOf(int64_t vector) const {
    const int64_t within = vector % vectors_per_group() * vector_width;
    return {vector / vectors_per_group() * group_outputs() + within,
            std::min(vector_width, group_outputs() - within)};
  }
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
