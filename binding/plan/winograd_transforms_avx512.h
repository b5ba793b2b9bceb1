#pragma once
// For what is compiled for processors with AVX-512, and runs on those alone. The transforms of
// Lavin and Gray for the points 0, 1, -1, 2, -2 and infinity, and for 0, 1, -1 and infinity.
#include "multiply_avx512.h"

namespace semisup::plan {

inline Lane Scaled(float factor, Lane value) {
  return _mm512_mul_ps(_mm512_set1_ps(factor), value);
}
inline Lane PlusScaled(Lane sum, float factor, Lane value) {
  return _mm512_fmadd_ps(_mm512_set1_ps(factor), value, sum);
}

// One row of the input transform.
inline void TransformInput(const Lane (&d)[6], Lane (&v)[6]) {
  const Lane even = PlusScaled(d[4], -4, d[2]);
  const Lane odd = PlusScaled(d[3], -4, d[1]);
  const Lane near = _mm512_sub_ps(d[4], d[2]);
  const Lane far = Scaled(2, _mm512_sub_ps(d[3], d[1]));
  v[0] = PlusScaled(PlusScaled(d[4], -5, d[2]), 4, d[0]);
  v[1] = _mm512_add_ps(even, odd);
  v[2] = _mm512_sub_ps(even, odd);
  v[3] = _mm512_add_ps(near, far);
  v[4] = _mm512_sub_ps(near, far);
  v[5] = PlusScaled(PlusScaled(d[5], -5, d[3]), 4, d[1]);
}

inline void TransformInput(const Lane (&d)[4], Lane (&v)[4]) {
  v[0] = _mm512_sub_ps(d[0], d[2]);
  v[1] = _mm512_add_ps(d[1], d[2]);
  v[2] = _mm512_sub_ps(d[2], d[1]);
  v[3] = _mm512_sub_ps(d[3], d[1]);
}

// One row of the output transform.
inline void TransformOutput(const Lane (&m)[6], Lane (&y)[4]) {
  const Lane sum12 = _mm512_add_ps(m[1], m[2]);
  const Lane difference12 = _mm512_sub_ps(m[1], m[2]);
  const Lane sum34 = _mm512_add_ps(m[3], m[4]);
  const Lane difference34 = _mm512_sub_ps(m[3], m[4]);
  y[0] = _mm512_add_ps(_mm512_add_ps(m[0], sum12), sum34);
  y[1] = PlusScaled(difference12, 2, difference34);
  y[2] = PlusScaled(sum12, 4, sum34);
  y[3] = _mm512_add_ps(PlusScaled(difference12, 8, difference34), m[5]);
}

inline void TransformOutput(const Lane (&m)[4], Lane (&y)[2]) {
  y[0] = _mm512_add_ps(_mm512_add_ps(m[0], m[1]), m[2]);
  y[1] = _mm512_add_ps(_mm512_sub_ps(m[1], m[2]), m[3]);
}

// One column of it, which makes up for the factors that the weights are without.
inline void TransformColumn(const Lane (&m)[6], Lane (&y)[4]) {
  const Lane sum12 = _mm512_add_ps(m[1], m[2]);
  const Lane difference12 = _mm512_sub_ps(m[1], m[2]);
  const Lane sum34 = _mm512_add_ps(m[3], m[4]);
  const Lane difference34 = _mm512_sub_ps(m[3], m[4]);
  y[0] = PlusScaled(_mm512_fmsub_ps(_mm512_set1_ps(0.5F), sum34, sum12), 3, m[0]);
  y[1] = _mm512_sub_ps(difference34, difference12);
  y[2] = _mm512_fmsub_ps(_mm512_set1_ps(2), sum34, sum12);
  y[3] = PlusScaled(_mm512_fmsub_ps(_mm512_set1_ps(4), difference34, difference12), 6, m[5]);
}

inline void TransformColumn(const Lane (&m)[4], Lane (&y)[2]) {
  y[0] = PlusScaled(_mm512_add_ps(m[1], m[2]), 4, m[0]);
  y[1] = PlusScaled(_mm512_sub_ps(m[1], m[2]), 2, m[3]);
}

// Two points of a column whose weights are made of the same: 0 and infinity, 1 and -1, 2 and -2.
enum class Pair { kEnds, kOnes, kTwos };

// The weights for a pair, of those of a kernel's three rows: one of the first, and two of the
// others. With these factors all that is left to do are sums, which cost little beside products.
template <Pair pair>
inline void TransformKernel(const Lane (&rows)[3], Lane (&weights)[2]) {
  if constexpr (pair == Pair::kEnds) {
    weights[0] = rows[0];
    weights[1] = rows[2];
  } else {
    const Lane sum = _mm512_add_ps(rows[0], rows[2]);
    const Lane even = _mm512_add_ps(sum, rows[pair == Pair::kOnes ? 0 : 2]);
    weights[0] = _mm512_add_ps(even, rows[1]);
    weights[1] = _mm512_sub_ps(even, rows[1]);
  }
}

}  // namespace semisup::plan
