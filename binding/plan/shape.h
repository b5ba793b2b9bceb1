#pragma once
#include <cstdint>

#include "processor.h"
#include "slices.h"

namespace semisup::plan {

// What a convolution without dilation is, but for its weights.
struct Shape {
  // Of all groups together.
  int64_t inputs;
  int64_t outputs;
  int64_t groups;
  Sides kernel;
  Sides stride;
  Sides padding;

  int64_t group_inputs() const { return inputs / groups; }
  int64_t group_outputs() const { return outputs / groups; }
  bool is_padded() const { return padding != Sides{0, 0}; }

  // The same with small groups joined until they fill a lane of outputs, with weights of zero
  // between inputs and outputs of different ones. As it is where most weights would be such.
  Shape Joined() const {
    constexpr int64_t kMost = 4;
    const int64_t joined = kLane / group_outputs();
    Shape shape = *this;
    if (joined > 1 && joined <= kMost && joined * group_outputs() == kLane &&
        groups % joined == 0) {
      shape.groups /= joined;
    }
    return shape;
  }
  // The first of the inputs that the group of an output takes.
  int64_t InputOf(int64_t output) const { return output / group_outputs() * group_inputs(); }
};

}  // namespace semisup::plan
