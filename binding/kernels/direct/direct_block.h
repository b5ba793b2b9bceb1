#pragma once
#include "kernels/direct/output_block.h"

namespace semisup::kernels {

// One unit of work. A thread may run several.
struct DirectBlock {
  // For each panel: [rows, row_size, SimdKernels::panel].
  const float* weight;
  // The kernel's rows, and the number of contiguous input elements that each covers.
  int64_t rows;
  int64_t row_size;
  // [output_channels], or null.
  const float* bias;
  bool relu;
  OutputBlock<float> output_block;
};

}  // namespace semisup::kernels
