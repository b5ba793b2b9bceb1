#pragma once
// AVX2 and FMA.
#include <immintrin.h>

#include <cstdint>

#include "kernels/bfloat16/bfloat16.h"

namespace semisup::kernels::avx2 {

using Vector = __m256;
constexpr int64_t kVectorWidth = 8;
constexpr int kRegisters = 16;

inline Vector Zero() { return _mm256_setzero_ps(); }
inline Vector Broadcast(float value) { return _mm256_set1_ps(value); }
inline Vector Load(const float* data) { return _mm256_loadu_ps(data); }
inline Vector Load(const BFloat16* data) {
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}
inline void Store(float* data, Vector value) { _mm256_storeu_ps(data, value); }
// Exact for values that a BFloat16 can represent; others are truncated.
inline void Store(BFloat16* data, Vector value) {
  const __m256i halves = _mm256_srli_epi32(_mm256_castps_si256(value), 16);
  const __m128i packed =
      _mm_packus_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(data), packed);
}

inline Vector Add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
inline Vector Subtract(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
inline Vector Multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
// a * b + c.
inline Vector MultiplyAdd(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
// a * b - c.
inline Vector MultiplySubtract(Vector a, Vector b, Vector c) { return _mm256_fmsub_ps(a, b, c); }
// NaN where `value` is NaN.
inline Vector AtLeast(Vector bound, Vector value) { return _mm256_max_ps(bound, value); }
inline Vector AtMost(Vector bound, Vector value) { return _mm256_min_ps(bound, value); }
inline Vector Divide(Vector a, Vector b) { return _mm256_div_ps(a, b); }
// `a` where `value` is below zero, otherwise `b`.
inline Vector SelectBelowZero(Vector value, Vector a, Vector b) {
  return _mm256_blendv_ps(b, a, _mm256_cmp_ps(value, Zero(), _CMP_LT_OQ));
}
// To the nearest integer.
inline Vector Round(Vector value) {
  return _mm256_round_ps(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// value * 2^exponent, for integers from -252 to 252. In two steps, because the factor itself may
// be out of range.
inline Vector ScaleByPowerOf2(Vector value, Vector exponent) {
  const __m256i all = _mm256_cvtps_epi32(exponent);
  const __m256i half = _mm256_srai_epi32(all, 1);
  const auto power = [](__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  };
  return Multiply(Multiply(value, power(half)), power(_mm256_sub_epi32(all, half)));
}

inline __m256i FirstElements(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
// The first `count` elements; zeros, or nothing, beyond.
inline Vector LoadPart(const float* data, int64_t count) {
  return _mm256_maskload_ps(data, FirstElements(count));
}
inline void StorePart(float* data, int64_t count, Vector value) {
  _mm256_maskstore_ps(data, FirstElements(count), value);
}

// Which elements are NaN.
using NanMask = __m256;
inline NanMask NoNan() { return Zero(); }
inline NanMask OrNan(NanMask mask, Vector value) {
  return _mm256_or_ps(mask, _mm256_cmp_ps(value, value, _CMP_UNORD_Q));
}
inline Vector SetNan(Vector value, NanMask mask, Vector nan) {
  return _mm256_blendv_ps(value, nan, mask);
}

}  // namespace semisup::kernels::avx2
