#pragma once
#include <cstdint>

namespace semisup::kernels {

// Normalizes each row to a mean of 0 and a variance of 1, then scales and shifts its columns, like
// torch.nn.LayerNorm over the last dimension.
struct LayerNormRows {
  const float* input;
  // [columns], or null.
  const float* weight;
  const float* bias;
  // May be the input.
  float* output;
  int64_t rows;
  int64_t columns;
  float epsilon;
};

// Requires ActiveKernels().
void RunLayerNorm(const LayerNormRows& operands);

}  // namespace semisup::kernels
