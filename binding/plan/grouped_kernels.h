#pragma once
#include <cstdint>

#include "kernel.h"
#include "processor.h"
#include "shape.h"
#include "slices.h"

namespace semisup::plan {

// Small groups are joined.
struct GroupedShape : Shape {
  // How many weights a lane of outputs has: [kernel[0], kernel[1], group_inputs(), kLane].
  int64_t lane_size() const { return kernel[0] * kernel[1] * group_inputs() * kLane; }
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
