#include "kernels/elementwise/activate.h"
#include "kernels/elementwise/math.h"
#include "kernels/elementwise/rows.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

template <class Function>
void Apply(const ActivationRows& rows, const Function& function) {
  for (int64_t i = 0; i < rows.rows; i++) {
    const float* input = rows.input + i * rows.stride;
    ForEachVector(rows.columns, rows.output + i * rows.stride,
                  [&](const auto& load, int64_t c) { return function(load(input + c)); });
  }
}

// x + 3, clamped to [0, 6].
Vector HardGate(Vector x) { return Clamp(Add(x, Broadcast(3)), 0, 6); }

Vector Gelu(Vector x) {
  constexpr float kRootHalf = 0.70710678F;
  return Multiply(Multiply(x, Broadcast(0.5F)), OnePlusErf(Multiply(x, Broadcast(kRootHalf))));
}

// x / 2 * (1 + tanh(u)) is x times the logistic function of 2 u.
Vector GeluTanh(Vector x) {
  constexpr float kTwoRootTwoOverPi = 1.59576912F;
  const Vector cubic = MultiplyAdd(Multiply(Multiply(x, x), Broadcast(0.044715F)), x, x);
  return DivideByLogistic(x, Multiply(cubic, Broadcast(kTwoRootTwoOverPi)));
}

}  // namespace

void Activate(const Activation& activation, const ActivationRows& rows) {
  switch (activation.kind) {
    case ActivationKind::kNone:
      return Apply(rows, [](Vector x) { return x; });
    case ActivationKind::kRelu:
      return Apply(rows, [](Vector x) { return AtLeast(Zero(), x); });
    case ActivationKind::kClamp:
      return Apply(rows, [low = activation.low, high = activation.high](Vector x) {
        return Clamp(x, low, high);
      });
    case ActivationKind::kSigmoid:
      return Apply(rows, [](Vector x) { return DivideByLogistic(Broadcast(1), x); });
    case ActivationKind::kSilu:
      return Apply(rows, [](Vector x) { return DivideByLogistic(x, x); });
    case ActivationKind::kHardsigmoid:
      return Apply(rows, [](Vector x) { return Divide(HardGate(x), Broadcast(6)); });
    case ActivationKind::kHardswish:
      return Apply(rows, [](Vector x) { return Divide(Multiply(x, HardGate(x)), Broadcast(6)); });
    case ActivationKind::kGelu:
      return Apply(rows, &Gelu);
    case ActivationKind::kGeluTanh:
      return Apply(rows, &GeluTanh);
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
