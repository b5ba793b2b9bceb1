#include "kernels/elementwise/affine.h"

#include "kernels/elementwise/activate.h"
#include "kernels/elementwise/rows.h"
#include "kernels/partition.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels::SEMISUP_SIMD {

void ScaleAndShift(const AffineRows& operands, const Range& rows) {
  const int64_t columns = operands.columns;
  for (int64_t i = rows.first; i < rows.first + rows.count; i++) {
    const float* input = operands.input + i * columns;
    float* output = operands.output + i * columns;
    ForEachVector(columns, output, [&](const auto& load, int64_t c) {
      return MultiplyAdd(load(input + c), load(operands.scale + c), load(operands.shift + c));
    });
    ActivateOutput(operands.activation, output, 1, columns, 0);
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
