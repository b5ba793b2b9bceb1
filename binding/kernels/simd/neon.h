#pragma once
// NEON of 64-bit Arm.
#include <arm_neon.h>

#include <cstdint>

#include "kernels/bfloat16/bfloat16.h"

namespace semisup::kernels::neon {

using Vector = float32x4_t;
constexpr int64_t kVectorWidth = 4;
constexpr int kRegisters = 32;

inline Vector Zero() { return vdupq_n_f32(0); }
inline Vector Broadcast(float value) { return vdupq_n_f32(value); }
inline Vector Load(const float* data) { return vld1q_f32(data); }
inline Vector Load(const BFloat16* data) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(&data->bits), 16));
}
inline void Store(float* data, Vector value) { vst1q_f32(data, value); }
// Exact for values that a BFloat16 can represent; others are truncated.
inline void Store(BFloat16* data, Vector value) {
  vst1_u16(&data->bits, vshrn_n_u32(vreinterpretq_u32_f32(value), 16));
}

inline Vector Add(Vector a, Vector b) { return vaddq_f32(a, b); }
inline Vector Subtract(Vector a, Vector b) { return vsubq_f32(a, b); }
inline Vector Multiply(Vector a, Vector b) { return vmulq_f32(a, b); }
// a * b + c.
inline Vector MultiplyAdd(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
// a * b - c.
inline Vector MultiplySubtract(Vector a, Vector b, Vector c) {
  return vfmaq_f32(vnegq_f32(c), a, b);
}
// NaN where `value` is NaN.
inline Vector AtLeast(Vector bound, Vector value) { return vmaxq_f32(bound, value); }
inline Vector AtMost(Vector bound, Vector value) { return vminq_f32(bound, value); }
inline Vector Divide(Vector a, Vector b) { return vdivq_f32(a, b); }
// `a` where `value` is below zero, otherwise `b`.
inline Vector SelectBelowZero(Vector value, Vector a, Vector b) {
  return vbslq_f32(vcltzq_f32(value), a, b);
}
// To the nearest integer.
inline Vector Round(Vector value) { return vrndnq_f32(value); }
// value * 2^exponent, for integers from -252 to 252. In two steps, because the factor itself may
// be out of range.
inline Vector ScaleByPowerOf2(Vector value, Vector exponent) {
  const int32x4_t all = vcvtq_s32_f32(exponent);
  const int32x4_t half = vshrq_n_s32(all, 1);
  const auto power = [](int32x4_t n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
  };
  return Multiply(Multiply(value, power(half)), power(vsubq_s32(all, half)));
}

// Which elements are NaN.
using NanMask = uint32x4_t;
inline NanMask NoNan() { return vdupq_n_u32(0); }
inline NanMask OrNan(NanMask mask, Vector value) {
  return vornq_u32(mask, vceqq_f32(value, value));
}
inline Vector SetNan(Vector value, NanMask mask, Vector nan) { return vbslq_f32(mask, nan, value); }

}  // namespace semisup::kernels::neon
