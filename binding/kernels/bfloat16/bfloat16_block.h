#pragma once
#include "kernels/bfloat16/bfloat16.h"
#include "kernels/direct/output_block.h"
#include "kernels/dot/dot_panel.h"

namespace semisup::kernels {

// One unit of work. A thread may run several.
struct BFloat16Block {
  DotWeights<BFloat16> weights;
  // [output_channels], or null.
  const float* bias;
  bool relu;
  OutputBlock<BFloat16> output_block;
};

// Each for the instructions in its name, with their bfloat16 extension.
void RunBFloat16BlockAmx(const BFloat16Block& block);
void RunBFloat16BlockAvx512(const BFloat16Block& block);
void RunBFloat16BlockNeon(const BFloat16Block& block);

}  // namespace semisup::kernels
