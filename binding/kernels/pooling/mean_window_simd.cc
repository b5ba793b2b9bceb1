#include "kernels/elementwise/rows.h"
#include "kernels/pooling/pool_window.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels::SEMISUP_SIMD {

void MeanOfWindow(const PoolWindow<float>& window, float divisor, float* means) {
  const Vector divisors = Broadcast(divisor);
  ForEachVector(window.channels, means, [&](const auto& load, int64_t channel) {
    Vector sum = Zero();
    for (int64_t row = 0; row < window.rows; row++) {
      const float* pixel = window.pixels + row * window.row_stride + channel;
      for (int64_t column = 0; column < window.columns; column++) {
        sum = Add(sum, load(pixel));
        pixel += window.channels;
      }
    }
    return Divide(sum, divisors);
  });
}

}  // namespace semisup::kernels::SEMISUP_SIMD
