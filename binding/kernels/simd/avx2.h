#pragma once
// AVX2 and FMA.
#include <immintrin.h>

#include <cstdint>

#include "kernels/bfloat16.h"

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

inline Vector Add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
inline Vector Subtract(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
inline Vector Multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
// a * b + c.
inline Vector MultiplyAdd(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
// a * b - c.
inline Vector MultiplySubtract(Vector a, Vector b, Vector c) { return _mm256_fmsub_ps(a, b, c); }
// NaN where `value` is NaN.
inline Vector AtLeast(Vector bound, Vector value) { return _mm256_max_ps(bound, value); }

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
