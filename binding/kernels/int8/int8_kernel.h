#pragma once
#include "kernels/int8/int8_block.h"

namespace semisup::kernels {

// A kernel of int8 convolutions.
struct Int8Kernel {
  void (*run_block)(const Int8Block& block);
  DotPanel panel;
  // What it subtracts from each input byte: 128 where the instruction multiplies signed bytes.
  int32_t input_offset = 0;
};

// That for the instruction set in use; null if there is none for it.
const Int8Kernel* ActiveInt8Kernel();

}  // namespace semisup::kernels
