#pragma once
#include "kernels/direct/output_block.h"
#include "kernels/elementwise/activation.h"

namespace semisup::kernels {

// The input elements of a window: `lines` sequences, `line_stride` elements apart, each of
// `k_blocks` contiguous runs of `k_block_size` elements, `k_block_stride` elements apart.
struct DirectTaps {
  int64_t lines;
  int64_t line_stride;
  int64_t k_blocks;
  int64_t k_block_stride;
  int64_t k_block_size;
};

// One unit of work. A thread may run several.
struct DirectBlock {
  // See PackPanels().
  const float* weight;
  DirectTaps taps;
  // [output_channels], or null.
  const float* bias;
  bool relu;
  const Activation& activation;
  OutputBlock<float> output_block;
};

}  // namespace semisup::kernels
