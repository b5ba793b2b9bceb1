#pragma once
#include <cstdint>

namespace semisup::kernels {

// A pooling window of an NHWC image.
struct MaxWindow {
  const float* pixels;
  int64_t rows;
  int64_t columns;
  int64_t row_stride;
  int64_t channels;
};

// Writes the maximum of each channel; NaN if any element of the channel is NaN. Requires AVX-512.
void MaxOfWindowAvx512(const MaxWindow& window, float* maxima);

}  // namespace semisup::kernels
