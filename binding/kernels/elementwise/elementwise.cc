#include <algorithm>

#include "kernels/elementwise/activation.h"
#include "kernels/elementwise/affine.h"
#include "kernels/elementwise/binary.h"
#include "kernels/parallel.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {
namespace {

// For fewer elements, another thread takes longer to start than to compute them.
constexpr int64_t kMinElements = 16 << 10;

int64_t MinRows(int64_t columns) { return CeilDiv(kMinElements, std::max<int64_t>(columns, 1)); }

}  // namespace

void RunActivation(const Activation& activation, const float* input, int64_t count, float* output) {
  const auto& kernels = *ActiveKernels();
  ParallelFor(count, kMinElements, [&](int64_t begin, int64_t end, int64_t) {
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
    return ParallelFor(count, kMinElements, [&](int64_t begin, int64_t end, int64_t) {
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
  ParallelFor(operands.rows, MinRows(operands.columns), [&](int64_t begin, int64_t end, int64_t) {
    kernels.combine(operands, {begin, end - begin});
  });
}

void RunAffine(const AffineRows& operands) {
  const auto& kernels = *ActiveKernels();
  ParallelFor(operands.rows, MinRows(operands.columns), [&](int64_t begin, int64_t end, int64_t) {
    kernels.scale_and_shift(operands, {begin, end - begin});
  });
}

}  // namespace semisup::kernels
