#pragma once
// The transforms of Lavin and Gray for the points 0, 1, -1, 2, -2 and infinity
// (F(4x4, 3x3)), and 0, 1, -1 and infinity (F(2x2, 3x3)).
#include "kernels/gemm.h"

namespace semisup::kernels::SEMISUP_SIMD {

inline Vector Scale(float factor, Vector value) { return Multiply(Broadcast(factor), value); }
// sum + factor * value.
inline Vector AddScaled(Vector sum, float factor, Vector value) {
  return MultiplyAdd(Broadcast(factor), value, sum);
}

// One dimension of the input transform.
inline void TransformInput(const Vector (&d)[6], Vector (&v)[6]) {
  const Vector even = AddScaled(d[4], -4, d[2]);
  const Vector odd = AddScaled(d[3], -4, d[1]);
  const Vector difference42 = Subtract(d[4], d[2]);
  const Vector twice31 = Scale(2, Subtract(d[3], d[1]));
  v[0] = AddScaled(AddScaled(d[4], -5, d[2]), 4, d[0]);
  v[1] = Add(even, odd);
  v[2] = Subtract(even, odd);
  v[3] = Add(difference42, twice31);
  v[4] = Subtract(difference42, twice31);
  v[5] = AddScaled(AddScaled(d[5], -5, d[3]), 4, d[1]);
}

inline void TransformInput(const Vector (&d)[4], Vector (&v)[4]) {
  v[0] = Subtract(d[0], d[2]);
  v[1] = Add(d[1], d[2]);
  v[2] = Subtract(d[2], d[1]);
  v[3] = Subtract(d[3], d[1]);
}

// The output transform along rows.
inline void TransformOutputRow(const Vector (&m)[6], Vector (&y)[4]) {
  const Vector sum12 = Add(m[1], m[2]);
  const Vector difference12 = Subtract(m[1], m[2]);
  const Vector sum34 = Add(m[3], m[4]);
  const Vector difference34 = Subtract(m[3], m[4]);
  y[0] = Add(Add(m[0], sum12), sum34);
  y[1] = AddScaled(difference12, 2, difference34);
  y[2] = AddScaled(sum12, 4, sum34);
  y[3] = Add(AddScaled(difference12, 8, difference34), m[5]);
}

inline void TransformOutputRow(const Vector (&m)[4], Vector (&y)[2]) {
  y[0] = Add(Add(m[0], m[1]), m[2]);
  y[1] = Add(Subtract(m[1], m[2]), m[3]);
}

// The output transform along columns, with the factors that TransformKernel() leaves out.
inline void TransformOutputColumn(const Vector (&m)[6], Vector (&y)[4]) {
  const Vector sum12 = Add(m[1], m[2]);
  const Vector difference12 = Subtract(m[1], m[2]);
  const Vector sum34 = Add(m[3], m[4]);
  const Vector difference34 = Subtract(m[3], m[4]);
  y[0] = AddScaled(MultiplySubtract(Broadcast(0.5F), sum34, sum12), 3, m[0]);
  y[1] = Subtract(difference34, difference12);
  y[2] = MultiplySubtract(Broadcast(2), sum34, sum12);
  y[3] = AddScaled(MultiplySubtract(Broadcast(4), difference34, difference12), 6, m[5]);
}

inline void TransformOutputColumn(const Vector (&m)[4], Vector (&y)[2]) {
  y[0] = AddScaled(Add(m[1], m[2]), 4, m[0]);
  y[1] = AddScaled(Subtract(m[1], m[2]), 2, m[3]);
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
    const Vector sum = Add(rows[0], rows[2]);
    const Vector even = Add(sum, rows[pair == PointPair::kOnes ? 0 : 2]);
    weights[0] = Add(even, rows[1]);
    weights[1] = Subtract(even, rows[1]);
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
