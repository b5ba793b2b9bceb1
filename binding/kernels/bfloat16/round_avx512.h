#pragma once
#include <immintrin.h>

#include <bit>
#include <limits>

#include "kernels/bfloat16/bfloat16_block.h"
#include "kernels/dot/dot_tile.h"

namespace semisup::kernels {
namespace {

constexpr int kVectors = static_cast<int>(kAvx512Panel.vectors);

// What the kernels of ComputeDotTile() have in common.
struct DotInstructions {
  static constexpr DotPanel kPanel = kAvx512Panel;
  // Of 32 registers, 24 hold sums.
  static constexpr int kPixels = 6;

  using Element = BFloat16;
  using Weight = BFloat16;
  using Sum = __m512;
  using Lanes = __m512i;

  static Lanes Broadcast(int32_t bits) { return _mm512_set1_epi32(bits); }
  static Lanes Load(const char* weights) { return _mm512_loadu_si512(weights); }
  static Sum Multiply(Sum sum, Lanes pair, Lanes weights) {
    return _mm512_dpbf16_ps(sum, std::bit_cast<__m512bh>(pair), std::bit_cast<__m512bh>(weights));
  }
};

inline __m512 ToFloats(__m256i values) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(values), 16));
}

// Adds the residual to the sums of a micro-tile, applies the ReLU, rounds to bfloat16 and stores.
template <int pixels>
[[gnu::always_inline]]
inline void RoundTile(const BFloat16Block& block, const DotCorner& corner,
                      __m512 (&sums)[pixels][kVectors]) {
  const int64_t channels = block.output_block.output_channels;
  const int64_t at = corner.pixel * channels + corner.channel;
  const BFloat16* residual =
      block.output_block.residual ? block.output_block.residual + at : nullptr;
  BFloat16* output = block.output_block.output + at;
  const __m512 bound = _mm512_set1_ps(block.relu ? 0 : -std::numeric_limits<float>::infinity());
  Unroll<pixels>([&](auto i) {
    Unroll<kVectors>([&](auto j) {
      __m512 value = sums[i][j];
      if (residual) {
        const auto* values =
            reinterpret_cast<const __m256i*>(residual + i * channels + j * kAvx512Panel.sums);
        value = _mm512_add_ps(value, ToFloats(_mm256_loadu_si256(values)));
      }
      // NaN where `value` is NaN.
      sums[i][j] = _mm512_max_ps(bound, value);
    });
    Unroll<kVectors / 2>([&](auto half) {
      const auto rounded =
          std::bit_cast<__m512i>(_mm512_cvtne2ps_pbh(sums[i][2 * half + 1], sums[i][2 * half]));
      _mm512_storeu_si512(output + i * channels + half * 2 * kAvx512Panel.sums, rounded);
    });
  });
}

}  // namespace
}  // namespace semisup::kernels
