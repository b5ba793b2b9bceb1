#pragma once
#include <immintrin.h>

#include "kernels/dot/dot_tile.h"
#include "kernels/int8/int8_block.h"

namespace semisup::kernels {
namespace {

constexpr int kVectors = static_cast<int>(kAvx512Panel.vectors);

// Packs with saturation to uint8.
inline __m512i PackBytes(const __m512i (&values)[kVectors]) {
  return _mm512_packus_epi16(_mm512_packs_epi32(values[0], values[1]),
                             _mm512_packs_epi32(values[2], values[3]));
}

// The inverse of PackBytes() for one vector, as floats.
template <int vector>
__m512 UnpackBytes(__m512i bytes) {
  // A selector of 0x80 yields a zero byte.
  constexpr int kFirst = static_cast<int>(0x80808000) + vector * 4;
  const __m512i order = _mm512_set4_epi32(kFirst + 3, kFirst + 2, kFirst + 1, kFirst);
  return _mm512_cvtepi32_ps(_mm512_shuffle_epi8(bytes, order));
}

// Turns the sums of a micro-tile into bytes and stores them.
template <bool sums_are_float_bits, int pixels>
[[gnu::always_inline]]
inline void RequantizeTile(const Int8Block& block, const DotCorner& corner,
                           __m512i (&sums)[pixels][kVectors]) {
  const auto requantization = block.requantization;
  const int64_t channels = block.output_block.output_channels;
  const int64_t at = corner.pixel * channels + corner.channel;
  const uint8_t* residual =
      block.output_block.residual ? block.output_block.residual + at : nullptr;
  uint8_t* output = block.output_block.output + at;
  const __m512 residual_scale = _mm512_set1_ps(requantization.residual_scale);
  Unroll<kVectors>([&](auto j) {
    const __m512 scale =
        _mm512_loadu_ps(requantization.scale + corner.channel + j * kAvx512Panel.sums);
    const __m512 offset =
        _mm512_loadu_ps(requantization.offset + corner.channel + j * kAvx512Panel.sums);
    Unroll<pixels>([&](auto i) {
      const __m512i sum = sums[i][j];
      const __m512 sum_as_float =
          sums_are_float_bits ? _mm512_castsi512_ps(sum) : _mm512_cvtepi32_ps(sum);
      __m512 value = _mm512_fmadd_ps(sum_as_float, scale, offset);
      if (residual) {
        const __m512i bytes = _mm512_loadu_si512(residual + i * channels);
        value = _mm512_fmadd_ps(UnpackBytes<j>(bytes), residual_scale, value);
      }
      sums[i][j] = _mm512_cvtps_epi32(value);
    });
  });
  Unroll<pixels>([&](auto i) { _mm512_storeu_si512(output + i * channels, PackBytes(sums[i])); });
}

}  // namespace
}  // namespace semisup::kernels
