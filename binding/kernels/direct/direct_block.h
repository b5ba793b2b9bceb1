#pragma once
#include "kernels/cpu_features.h"
#include "kernels/direct/output_block.h"

namespace semisup::kernels {

// The number of output channels of a packed panel of weights.
constexpr int64_t kDirectPanel = 4 * kVectorWidth;

// One unit of work. A thread may run several.
struct DirectBlock {
  // For each panel: [rows, row_size, kDirectPanel].
  const float* weight;
  // The kernel's rows, and the number of contiguous input elements that each covers.
  int64_t rows;
  int64_t row_size;
  // [output_channels], or null.
  const float* bias;
  bool relu;
  OutputBlock<float> output_block;
};

// Requires AVX-512.
void RunDirectBlockAvx512(const DirectBlock& block);

}  // namespace semisup::kernels
