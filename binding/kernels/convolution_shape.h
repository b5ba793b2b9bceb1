#pragma once
#include <cstdint>

#include "kernels/partition.h"

namespace semisup::kernels {

// The shape of a convolution without dilation. Channel counts are those of all groups.
struct ConvolutionShape {
  int64_t input_channels;
  int64_t output_channels;
  int64_t groups;
  HeightWidth kernel;
  HeightWidth stride;
  HeightWidth padding;

  int64_t group_inputs() const { return input_channels / groups; }
  int64_t group_outputs() const { return output_channels / groups; }
  bool is_padded() const { return padding != HeightWidth{0, 0}; }

  // The same convolution with small groups merged until their outputs fill a vector; the weights
  // between channels of different groups are zero. Returns the shape unchanged if no merge of at
  // most four groups fills a vector: most weights would be zero.
  ConvolutionShape WithMergedGroups(int64_t vector_width) const {
    constexpr int64_t kMaxMerged = 4;
    const int64_t merged = vector_width / group_outputs();
    ConvolutionShape shape = *this;
    if (merged > 1 && merged <= kMaxMerged && merged * group_outputs() == vector_width &&
        groups % merged == 0) {
      shape.groups /= merged;
    }
    return shape;
  }
  // The first input channel of the group that an output channel belongs to.
  int64_t FirstInputOf(int64_t output) const { return output / group_outputs() * group_inputs(); }
};

}  // namespace semisup::kernels
