#include "kernels/normalization/layer_norm.h"

#include "kernels/parallel.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {

void RunLayerNorm(const LayerNormRows& operands) {
  const auto& kernels = *ActiveKernels();
  ParallelFor(operands.rows, GrainOfRows(operands.columns),
              [&](int64_t begin, int64_t end, int64_t) {
                kernels.normalize(operands, {begin, end - begin});
              });
}

}  // namespace semisup::kernels
