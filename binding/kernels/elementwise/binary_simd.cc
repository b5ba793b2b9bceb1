#include "kernels/elementwise/binary.h"

#include "kernels/elementwise/rows.h"
#include "kernels/partition.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

template <class Function>
void Apply(const BinaryRows& operands, const Range& rows, const Function& function) {
  for (int64_t i = rows.first; i < rows.first + rows.count; i++) {
    const float* a = operands.a + i * operands.columns;
    const float* b = operands.b + i / operands.rows_per_b_row * operands.columns;
    ForEachVector(operands.columns, operands.output + i * operands.columns,
                  [&](const auto& load, int64_t c) { return function(load(a + c), load(b + c)); });
  }
}

}  // namespace

void Combine(const BinaryRows& operands, const Range& rows) {
  switch (operands.operation) {
    case BinaryOperation::kAdd:
      return Apply(operands, rows, [](Vector a, Vector b) { return Add(a, b); });
    case BinaryOperation::kSubtract:
      return Apply(operands, rows, [](Vector a, Vector b) { return Subtract(a, b); });
    case BinaryOperation::kReverseSubtract:
      return Apply(operands, rows, [](Vector a, Vector b) { return Subtract(b, a); });
    case BinaryOperation::kMultiply:
      return Apply(operands, rows, [](Vector a, Vector b) { return Multiply(a, b); });
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
