#pragma once
#include <algorithm>
#include <cstdint>

#include "kernels/partition.h"

namespace semisup::kernels {

// The shape of a convolution. Channel counts are those of all groups.
struct ConvolutionShape {
  int64_t input_channels;
  int64_t output_channels;
  int64_t groups;
  HeightWidth kernel;
  HeightWidth stride;
  HeightWidth padding;
  HeightWidth dilation = {1, 1};

  int64_t group_inputs() const { return input_channels / groups; }
  int64_t group_outputs() const { return output_channels / groups; }
  bool is_padded() const { return padding != HeightWidth{0, 0}; }
  bool is_dilated() const { return dilation != HeightWidth{1, 1}; }
  bool is_depthwise() const { return group_inputs() == 1 && group_outputs() == 1; }
  // The pixels from the first to the last tap of the kernel along a spatial dimension.
  int64_t extent(int dimension) const { return dilation[dimension] * (kernel[dimension] - 1) + 1; }

  // The same convolution with as many small groups merged as fit into a vector of outputs, up to
  // `max_merged`; the weights between channels of different groups are zero.
  ConvolutionShape WithMergedGroups(int64_t vector_width, int64_t max_merged) const {
    ConvolutionShape shape = *this;
    for (int64_t merged = std::min(max_merged, vector_width / group_outputs()); merged > 1;
         merged--) {
      if (groups % merged != 0) continue;
      shape.groups /= merged;
      break;
    }
    return shape;
  }
  // The first input channel of the group that an output channel belongs to.
  int64_t FirstInputOf(int64_t output) const { return output / group_outputs() * group_inputs(); }
};

}  // namespace semisup::kernels
