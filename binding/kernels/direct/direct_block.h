#pragma once
#include "kernels/cpu_features.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// Output channels of a packed panel of weights.
constexpr int64_t kDirectPanel = 4 * kVectorWidth;

// The work of one thread: some output channels of some pixels.
struct DirectBlock {
  // For each panel: [rows, row_size, kDirectPanel].
  const float* weight;
  // The kernel's rows, and the contiguous input elements that each covers.
  int64_t rows;
  int64_t row_size;
  // For each output pixel, the first input element of its window.
  const float* const* windows;
  int64_t count;
  // The distance between the rows of a window.
  int64_t row_stride;
  // [output_channels], or null.
  const float* bias;
  // Of the output's layout, or null; may alias the output.
  const float* residual;
  float* output;
  int64_t output_channels;
  Range panels;
  bool relu;
};

// Requires AVX-512.
void RunDirectBlockAvx512(const DirectBlock& block);

}  // namespace semisup::kernels
