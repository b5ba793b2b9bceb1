#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

#include "kernel.h"
#include "processor.h"
#include "slices.h"

namespace semisup::plan {

struct GroupedShape {
  // Of all groups together.
  int64_t inputs;
  int64_t outputs;
  int64_t groups;
  // Rows and columns.
  std::array<int64_t, 2> kernel;
  std::array<int64_t, 2> stride;
  std::array<int64_t, 2> padding;

  int64_t group_inputs() const { return inputs / groups; }
  int64_t group_outputs() const { return outputs / groups; }
  // How many inputs a lane of outputs is made of: those of a group, or of all groups in the lane,
  // with weights of zero between inputs and outputs of different ones.
  int64_t depth() const { return group_inputs() * std::max<int64_t>(1, kLane / group_outputs()); }
  // The first of them.
  int64_t InputOf(int64_t output) const { return output / group_outputs() * group_inputs(); }
  // How many weights a lane of outputs has: [kernel[0], kernel[1], depth(), kLane].
  int64_t lane_size() const { return kernel[0] * kernel[1] * depth() * kLane; }
};

// What the kernels need to know of a part of the output.
struct GroupedBlock {
  const Images& images;
  const GroupedShape& shape;
  const float* weight;
  // Rows are computed so many at a time, of the same image.
  int64_t most_rows;
  // For the inputs of a lane that so many rows need, side by side with what they are padded with.
  float* scratch;
  // Of all images.
  Slice rows;
  Slice lanes;
};

// Compiled for processors with AVX-512; to be called on those alone.
void ConvolveGroupsAvx512(const GroupedBlock& block);

}  // namespace semisup::plan
