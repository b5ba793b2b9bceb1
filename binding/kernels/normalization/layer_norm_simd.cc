#include "kernels/normalization/layer_norm.h"

#include <array>
#include <cmath>

#include "kernels/elementwise/rows.h"
#include "kernels/partition.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

float Sum(Vector vector) {
  std::array<float, kVectorWidth> elements;
  Store(elements.data(), vector);
  float sum = 0;
  for (const float element : elements) sum += element;
  return sum;
}

float SumOfRow(const float* row, int64_t columns) {
  Vector sum = Zero();
  int64_t c = 0;
  for (; c + kVectorWidth <= columns; c += kVectorWidth) sum = Add(sum, Load(row + c));
  if (c < columns) sum = Add(sum, LoadPart(row + c, columns - c));
  return Sum(sum);
}

// The sum of the squares of the differences from `mean`.
float SumOfSquares(const float* row, int64_t columns, float mean) {
  const Vector means = Broadcast(mean);
  Vector sum = Zero();
  int64_t c = 0;
  for (; c + kVectorWidth <= columns; c += kVectorWidth) {
    const Vector difference = Subtract(Load(row + c), means);
    sum = MultiplyAdd(difference, difference, sum);
  }
  float rest = 0;
  for (; c < columns; c++) rest += (row[c] - mean) * (row[c] - mean);
  return Sum(sum) + rest;
}

}  // namespace

void Normalize(const LayerNormRows& operands, const Range& rows) {
  const int64_t columns = operands.columns;
  const auto count = static_cast<float>(columns);
  for (int64_t i = rows.first; i < rows.first + rows.count; i++) {
    const float* row = operands.input + i * columns;
    const float mean = SumOfRow(row, columns) / count;
    const float variance = SumOfSquares(row, columns, mean) / count;
    const float factor = 1 / std::sqrt(variance + operands.epsilon);
    const Vector scale = Broadcast(factor);
    const Vector means = Broadcast(mean);
    ForEachVector(columns, operands.output + i * columns, [&](const auto& load, int64_t c) {
      Vector value = Multiply(Subtract(load(row + c), means), scale);
      if (operands.weight) value = Multiply(value, load(operands.weight + c));
      return operands.bias ? Add(value, load(operands.bias + c)) : value;
    });
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
