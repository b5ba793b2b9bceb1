#pragma once
// AVX-512F.
#include <immintrin.h>

#include <cstdint>

#include "kernels/bfloat16/bfloat16.h"

namespace semisup::kernels::avx512 {

using Vector = __m512;
constexpr int64_t kVectorWidth = 16;
constexpr int kRegisters = 32;

inline Vector Zero() { return _mm512_setzero_ps(); }
inline Vector Broadcast(float value) { return _mm512_set1_ps(value); }
inline Vector Load(const float* data) { return _mm512_loadu_ps(data); }
inline Vector Load(const BFloat16* data) {
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
inline void Store(float* data, Vector value) { _mm512_storeu_ps(data, value); }
// Exact for values that a BFloat16 can represent; others are truncated.
inline void Store(BFloat16* data, Vector value) {
  const __m512i halves = _mm512_srli_epi32(_mm512_castps_si512(value), 16);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(data), _mm512_cvtepi32_epi16(halves));
}

inline Vector Add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
inline Vector Subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
inline Vector Multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
// a * b + c.
inline Vector MultiplyAdd(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
// a * b - c.
inline Vector MultiplySubtract(Vector a, Vector b, Vector c) { return _mm512_fmsub_ps(a, b, c); }
// NaN where `value` is NaN.
inline Vector AtLeast(Vector bound, Vector value) { return _mm512_max_ps(bound, value); }
inline Vector AtMost(Vector bound, Vector value) { return _mm512_min_ps(bound, value); }
inline Vector Divide(Vector a, Vector b) { return _mm512_div_ps(a, b); }
// `a` where `value` is below zero, otherwise `b`.
inline Vector SelectBelowZero(Vector value, Vector a, Vector b) {
  return _mm512_mask_mov_ps(b, _mm512_cmp_ps_mask(value, Zero(), _CMP_LT_OQ), a);
}
// To the nearest integer.
inline Vector Round(Vector value) { return _mm512_roundscale_ps(value, 0); }
// value * 2^exponent, for integers from -252 to 252.
inline Vector ScaleByPowerOf2(Vector value, Vector exponent) {
  return _mm512_scalef_ps(value, exponent);
}

// The first `count` elements; zeros, or nothing, beyond.
inline Vector LoadPart(const float* data, int64_t count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1 << count) - 1), data);
}
inline void StorePart(float* data, int64_t count, Vector value) {
  _mm512_mask_storeu_ps(data, static_cast<__mmask16>((1 << count) - 1), value);
}

// Which elements are NaN.
using NanMask = __mmask16;
inline NanMask NoNan() { return 0; }
inline NanMask OrNan(NanMask mask, Vector value) {
  return _kor_mask16(mask, _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q));
}
inline Vector SetNan(Vector value, NanMask mask, Vector nan) {
  return _mm512_mask_mov_ps(value, mask, nan);
}

}  // namespace semisup::kernels::avx512
