#pragma once
#include <cstdint>

#include "kernels/elementwise/activation.h"

namespace semisup::kernels {

// A batch normalization with constant statistics: input * scale + shift per column, followed by an
// activation.
struct AffineRows {
  const float* input;
  const float* scale;
  const float* shift;
  // May be the input.
  float* output;
  int64_t rows;
  int64_t columns;
  Activation activation;
};

// Requires ActiveKernels().
void RunAffine(const AffineRows& operands);

}  // namespace semisup::kernels
