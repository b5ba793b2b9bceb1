#pragma once
#include "kernels/bfloat16/bfloat16_block.h"
#include "kernels/bfloat16/bfloat16_winograd_block.h"

namespace semisup::kernels {

// A kernel of bfloat16 convolutions.
struct BFloat16Kernel {
  void (*run_block)(const BFloat16Block& block);
  DotPanel panel;
  // Null if a direct convolution is faster.
  void (*run_winograd_block)(const BFloat16WinogradBlock& block) = nullptr;
};

// That for the instruction set in use; null if there is none for it.
const BFloat16Kernel* ActiveBFloat16Kernel();

}  // namespace semisup::kernels
