#pragma once
// Requires AVX-512. The transforms of Lavin and Gray for the points 0, 1, -1, 2, -2 and infinity
// (F(4x4, 3x3)), and 0, 1, -1 and infinity (F(2x2, 3x3)).
#include "kernels/gemm_avx512.h"

namespace semisup::kernels {

inline Vector Scale(float factor, Vector value) {
  return _mm512_mul_ps(_mm512_set1_ps(factor), value);
}
// sum + factor * value.
inline Vector AddScaled(Vector sum, float factor, Vector value) {
  return _mm512_fmadd_ps(_mm512_set1_ps(factor), value, sum);
}

// One dimension of the input transform.
inline void TransformInput(const Vector (&d)[6], Vector (&v)[6]) {
  const Vector even = AddScaled(d[4], -4, d[2]);
  const Vector odd = AddScaled(d[3], -4, d[1]);
  const Vector difference42 = _mm512_sub_ps(d[4], d[2]);
  const Vector twice31 = Scale(2, _mm512_sub_ps(d[3], d[1]));
  v[0] = AddScaled(AddScaled(d[4], -5, d[2]), 4, d[0]);
  v[1] = _mm512_add_ps(even, odd);
  v[2] = _mm512_sub_ps(even, odd);
  v[3] = _mm512_add_ps(difference42, twice31);
  v[4] = _mm512_sub_ps(difference42, twice31);
  v[5] = AddScaled(AddScaled(d[5], -5, d[3]), 4, d[1]);
}

inline void TransformInput(const Vector (&d)[4], Vector (&v)[4]) {
  v[0] = _mm512_sub_ps(d[0], d[2]);
  v[1] = _mm512_add_ps(d[1], d[2]);
  v[2] = _mm512_sub_ps(d[2], d[1]);
  v[3] = _mm512_sub_ps(d[3], d[1]);
}

// The output transform along rows.
inline void TransformOutputRow(const Vector (&m)[6], Vector (&y)[4]) {
  const Vector sum12 = _mm512_add_ps(m[1], m[2]);
  const Vector difference12 = _mm512_sub_ps(m[1], m[2]);
  const Vector sum34 = _mm512_add_ps(m[3], m[4]);
  const Vector difference34 = _mm512_sub_ps(m[3], m[4]);
  y[0] = _mm512_add_ps(_mm512_add_ps(m[0], sum12), sum34);
  y[1] = AddScaled(difference12, 2, difference34);
  y[2] = AddScaled(sum12, 4, sum34);
  y[3] = _mm512_add_ps(AddScaled(difference12, 8, difference34), m[5]);
}

inline void TransformOutputRow(const Vector (&m)[4], Vector (&y)[2]) {
  y[0] = _mm512_add_ps(_mm512_add_ps(m[0], m[1]), m[2]);
  y[1] = _mm512_add_ps(_mm512_sub_ps(m[1], m[2]), m[3]);
}

// The output transform along columns, with the factors that TransformKernel() leaves out.
inline void TransformOutputColumn(const Vector (&m)[6], Vector (&y)[4]) {
  const Vector sum12 = _mm512_add_ps(m[1], m[2]);
  const Vector difference12 = _mm512_sub_ps(m[1], m[2]);
  const Vector sum34 = _mm512_add_ps(m[3], m[4]);
  const Vector difference34 = _mm512_sub_ps(m[3], m[4]);
  y[0] = AddScaled(_mm512_fmsub_ps(_mm512_set1_ps(0.5F), sum34, sum12), 3, m[0]);
  y[1] = _mm512_sub_ps(difference34, difference12);
  y[2] = _mm512_fmsub_ps(_mm512_set1_ps(2), sum34, sum12);
  y[3] = AddScaled(_mm512_fmsub_ps(_mm512_set1_ps(4), difference34, difference12), 6, m[5]);
}

inline void TransformOutputColumn(const Vector (&m)[4], Vector (&y)[2]) {
  y[0] = AddScaled(_mm512_add_ps(m[1], m[2]), 4, m[0]);
  y[1] = AddScaled(_mm512_sub_ps(m[1], m[2]), 2, m[3]);
}

// Two points of a column whose weights share subexpressions: 0 and infinity, 1 and -1, 2 and -2.
enum class PointPair { kEnds, kOnes, kTwos };

// The column transform of a kernel's three rows for a pair of points. The rows are scaled in
// advance and the remaining factors are part of TransformOutputColumn(), so that additions suffice
// here.
template <PointPair pair>
inline void TransformKernel(const Vector (&rows)[3], Vector (&weights)[2]) {
  if constexpr (pair == PointPair::kEnds) {
    weights[0] = rows[0];
    weights[1] = rows[2];
  } else {
    const Vector sum = _mm512_add_ps(rows[0], rows[2]);
    const Vector even = _mm512_add_ps(sum, rows[pair == PointPair::kOnes ? 0 : 2]);
    weights[0] = _mm512_add_ps(even, rows[1]);
    weights[1] = _mm512_sub_ps(even, rows[1]);
  }
}

}  // namespace semisup::kernels
