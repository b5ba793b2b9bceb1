#pragma once
// Int8 convolutions in vectors of AVX2.
#include <immintrin.h>

#include "kernels/dot/dot_tile.h"
#include "kernels/int8/int8_block.h"

namespace semisup::kernels {
namespace {

constexpr DotPanel kAvx2Panel{.vectors = 2, .sums = 8};
constexpr int kVectors = static_cast<int>(kAvx2Panel.vectors);

// Packs a panel with saturation to uint8.
inline __m128i PackBytes(const __m256i (&values)[kVectors]) {
  const __m256i words = _mm256_packs_epi32(values[0], values[1]);
  const __m256i bytes = _mm256_packus_epi16(words, words);
  return _mm_unpacklo_epi64(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
}

// The inverse of PackBytes() for one vector, as floats.
template <int vector>
__m256 UnpackBytes(__m128i bytes) {
  constexpr int kFirst = vector * 4;
  const __m128i order =
      _mm_setr_epi8(kFirst, kFirst + 1, kFirst + 2, kFirst + 3, kFirst + 8, kFirst + 9, kFirst + 10,
                    kFirst + 11, -1, -1, -1, -1, -1, -1, -1, -1);
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_shuffle_epi8(bytes, order)));
}

// `Dot` multiplies: Multiply(sum, bytes, weights), and kPixels, what its registers permit.
template <class Dot, bool sums_are_float_bits>
struct Avx2Kernel {
  static constexpr DotPanel kPanel = kAvx2Panel;
  static constexpr int kPixels = Dot::kPixels;

  using Block = Int8Block;
  using Element = uint8_t;
  using Weight = int8_t;
  using Sum = __m256i;
  using Lanes = __m256i;

  static Sum Initial(const Block& block, int64_t index) {
    return Load(reinterpret_cast<const char*>(block.requantization.initial_sum + index));
  }
  static Lanes Broadcast(int32_t bits) { return _mm256_set1_epi32(bits); }
  static Lanes Load(const char* data) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data));
  }
  static Sum Multiply(Sum sum, Lanes bytes, Lanes weights) {
    return Dot::Multiply(sum, bytes, weights);
  }

  template <int pixels>
  static void Finish(const Block& block, const DotCorner& corner, Sum (&sums)[pixels][kVectors]) {
    const auto requantization = block.requantization;
    const int64_t channels = block.output_block.output_channels;
    const int64_t at = corner.pixel * channels + corner.channel;
    const uint8_t* residual =
        block.output_block.residual ? block.output_block.residual + at : nullptr;
    uint8_t* output = block.output_block.output + at;
    const __m256 residual_scale = _mm256_set1_ps(requantization.residual_scale);
    Unroll<kVectors>([&](auto j) {
      const int64_t index = corner.channel + j * kPanel.sums;
      const __m256 scale = _mm256_loadu_ps(requantization.scale + index);
      const __m256 offset = _mm256_loadu_ps(requantization.offset + index);
      Unroll<pixels>([&](auto i) {
        const __m256 sum =
            sums_are_float_bits ? _mm256_castsi256_ps(sums[i][j]) : _mm256_cvtepi32_ps(sums[i][j]);
        __m256 value = _mm256_fmadd_ps(sum, scale, offset);
        if (residual) {
          const auto* bytes = reinterpret_cast<const __m128i*>(residual + i * channels);
          value = _mm256_fmadd_ps(UnpackBytes<j>(_mm_loadu_si128(bytes)), residual_scale, value);
        }
        sums[i][j] = _mm256_cvtps_epi32(value);
      });
    });
    Unroll<pixels>([&](auto i) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(output + i * channels), PackBytes(sums[i]));
    });
  }
};

template <class Dot>
void RunInt8Block(const Int8Block& block) {
  block.requantization.sums_are_float_bits ? RunDotBlock<Avx2Kernel<Dot, true>>(block)
                                           : RunDotBlock<Avx2Kernel<Dot, false>>(block);
}

}  // namespace
}  // namespace semisup::kernels
