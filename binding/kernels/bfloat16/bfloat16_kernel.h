#pragma once
#include "kernels/bfloat16/bfloat16_block.h"

namespace semisup::kernels {

// A kernel of bfloat16 convolutions.
struct BFloat16Kernel {
  void (*run_block)(const BFloat16Block& block);
  DotPanel panel;
};

// That for the instruction set in use; null if there is none for it.
const BFloat16Kernel* ActiveBFloat16Kernel();

}  // namespace semisup::kernels
