#pragma once
#include <cstdint>

namespace semisup::kernels {

// The upper half of a float32. LibTorch's own type would bring inline functions into the files that
// are compiled for AVX-512, and the linker might keep those copies for every processor.
struct BFloat16 {
  uint16_t bits;
};

}  // namespace semisup::kernels
