#include "kernels/elementwise/activation.h"
#include "kernels/elementwise/affine.h"
#include "kernels/elementwise/binary.h"
#include "kernels/parallel.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {

void RunActivation(const Activation& activation, const float* input, int64_t count, float* output) {
  const auto& kernels = *ActiveKernels();
  ParallelFor(count, GrainOfRows(1), [&](int64_t begin, int64_t end, int64_t) {
    kernels.activate(activation, {.input = input + begin,
                                  .output = output + begin,
                                  .rows = 1,
                                  .columns = end - begin,
                                  .stride = 0});
  });
}

void RunBinary(const BinaryRows& operands) {
  const auto& kernels = *ActiveKernels();
  if (operands.rows_per_b_row == 1) {
    // As one row: short ones would end in partial vectors.
    const int64_t count = operands.rows * operands.columns;
    return ParallelFor(count, GrainOfRows(1), [&](int64_t begin, int64_t end, int64_t) {
      kernels.combine({.operation = operands.operation,
                       .a = operands.a + begin,
                       .b = operands.b + begin,
                       .output = operands.output + begin,
                       .rows = 1,
                       .columns = end - begin,
                       .rows_per_b_row = 1},
                      {0, 1});
    });
  }
  ParallelFor(operands.rows, GrainOfRows(operands.columns),
              [&](int64_t begin, int64_t end, int64_t) {
                kernels.combine(operands, {begin, end - begin});
              });
}

void RunAffine(const AffineRows& operands) {
  const auto& kernels = *ActiveKernels();
  ParallelFor(operands.rows, GrainOfRows(operands.columns),
              [&](int64_t begin, int64_t end, int64_t) {
                kernels.scale_and_shift(operands, {begin, end - begin});
              });
}

}  // namespace semisup::kernels
