#include "kernels/normalization/layer_norm.h"

#include "kernels/parallel.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {

void RunLayerNorm(const LayerNormRows& operands) {
  const auto& kernels = *ActiveKernels();
  constexpr int64_t kMinElements = 16 << 10;
  ParallelFor(operands.rows, kMinElements / (operands.columns + 1),
              [&](int64_t begin, int64_t end, int64_t) {
                kernels.normalize(operands, {begin, end - begin});
              });
}

}  // namespace semisup::kernels
