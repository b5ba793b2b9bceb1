#pragma once
#include <cstdint>

namespace semisup::kernels {

enum class BinaryOperation { kAdd, kSubtract, kReverseSubtract, kMultiply };

// Combines rows of two matrices. Row i of `a` is combined with row i / rows_per_b_row of `b`: with
// 1, both have the same shape; with the pixels of an image, `b` has one value per image and
// channel; with `rows`, one per channel.
struct BinaryRows {
  BinaryOperation operation;
  const float* a;
  const float* b;
  // May be `a`; may be `b` if both have the same shape.
  float* output;
  int64_t rows;
  int64_t columns;
  int64_t rows_per_b_row;
};

// Requires ActiveKernels().
void RunBinary(const BinaryRows& operands);

}  // namespace semisup::kernels
