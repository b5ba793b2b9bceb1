#pragma once
// Elementary functions of vectors. NaN propagates through each.
#include <array>

#include "kernels/simd/simd.h"

namespace semisup::kernels::SEMISUP_SIMD {

// coefficients[0] + coefficients[1] * x + ...
template <size_t count>
inline Vector Polynomial(const std::array<float, count>& coefficients, Vector x) {
  Vector sum = Broadcast(coefficients[count - 1]);
  for (size_t i = count - 1; i > 0; i--) {
    sum = MultiplyAdd(sum, x, Broadcast(coefficients[i - 1]));
  }
  return sum;
}

inline Vector Clamp(Vector value, float low, float high) {
  return AtMost(Broadcast(high), AtLeast(Broadcast(low), value));
}

// e^value, to within two units in the last place: 2^n * e^r, where n is an integer and |r| is at
// most log(2) / 2.
inline Vector Exp(Vector value) {
  // Beyond these bounds the result is 0 or infinity.
  const Vector x = Clamp(value, -104, 89);
  const Vector n = Round(Multiply(x, Broadcast(1.442695041F)));
  // n * log(2) in two parts, of which the product of the first is exact.
  Vector r = MultiplyAdd(n, Broadcast(-0.693359375F), x);
  r = MultiplyAdd(n, Broadcast(2.12194440e-4F), r);
  // As in the Cephes library.
  constexpr std::array kCoefficients{5.0000001201e-1F, 1.6666665459e-1F, 4.1665795894e-2F,
                                     8.3334519073e-3F, 1.3981999507e-3F, 1.9875691500e-4F};
  const Vector tail = Polynomial(kCoefficients, r);
  const Vector power = MultiplyAdd(Multiply(r, r), tail, Add(r, Broadcast(1)));
  return ScaleByPowerOf2(power, n);
}

// value / (1 + e^-exponent).
inline Vector DivideByLogistic(Vector value, Vector exponent) {
  return Divide(value, Add(Broadcast(1), Exp(Subtract(Zero(), exponent))));
}

// 1 + erf(value), to within a relative error of 1e-6 near zero and below it.
inline Vector OnePlusErf(Vector value) {
  const Vector magnitude = AtLeast(Subtract(Zero(), value), value);
  // erfc(x) = e^(-x^2) * f(1 / (1 + 0.45 x)) for positive x, where the polynomial f is a minimax
  // approximation with a relative error of 4e-7.
  constexpr std::array kCoefficients{0.0F,         0.253892289F,  0.25389059F,
                                     0.226508954F, 0.193745421F,  0.0308243612F,
                                     0.218942462F, -0.246028836F, 0.0682250958F};
  const Vector t = Divide(Broadcast(1), MultiplyAdd(magnitude, Broadcast(0.45F), Broadcast(1)));
  const Vector exponent = Multiply(Subtract(Zero(), magnitude), magnitude);
  const Vector erfc = Multiply(Polynomial(kCoefficients, t), Exp(exponent));
  return SelectBelowZero(value, erfc, Subtract(Broadcast(2), erfc));
}

}  // namespace semisup::kernels::SEMISUP_SIMD
