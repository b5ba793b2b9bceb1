#pragma once
#include <cstdint>

#include "kernels/simd/simd.h"

namespace semisup::kernels::SEMISUP_SIMD {

// Writes compute(load, column) for the columns of a row, in vectors. load(data) returns the
// elements of `data`, a pointer to a column; beyond the last column they are zero, and are not
// stored.
template <class Compute>
inline void ForEachVector(int64_t columns, float* output, const Compute& compute) {
  int64_t column = 0;
  for (; column + kVectorWidth <= columns; column += kVectorWidth) {
    Store(output + column, compute([](const float* data) { return Load(data); }, column));
  }
  if (const int64_t rest = columns - column; rest > 0) {
    const auto load = [rest](const float* data) { return LoadPart(data, rest); };
    StorePart(output + column, rest, compute(load, column));
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
