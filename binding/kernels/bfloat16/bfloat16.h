#pragma once
#include <bit>
#include <cstdint>

namespace semisup::kernels {

// The upper half of a float32. LibTorch's own type would bring inline functions into the files that
// are compiled for AVX-512, and the linker might keep those copies for every processor.
struct BFloat16 {
  uint16_t bits;
};

inline float ToFloat(float value) { return value; }
inline float ToFloat(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}

}  // namespace semisup::kernels
