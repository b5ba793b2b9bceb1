#pragma once
#include <cstdint>

#include "kernels/partition.h"

namespace semisup::kernels {

// The output channels of a range of panels, for a range of pixels. For float, BFloat16 or
// uint8_t.
template <class T>
struct OutputBlock {
  // For each pixel, the first input element of its window.
  const T* const* windows;
  int64_t count;
  // The distance between the rows of a window.
  int64_t row_stride;
  // Of the output's layout, or null; may alias the output.
  const T* residual;
  T* output;
  int64_t output_channels;
  Range panels;
};

}  // namespace semisup::kernels
