#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/bfloat16/bfloat16.h"

namespace semisup::kernels {

// Rounds half to even, as LibTorch and, by default, IEEE 754 do; NaN stays NaN.
inline BFloat16 RoundToBFloat16(float value) {
  if (std::isnan(value)) return {0x7FC0};
  const auto bits = std::bit_cast<uint32_t>(value);
  return {static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)};
}

}  // namespace semisup::kernels
