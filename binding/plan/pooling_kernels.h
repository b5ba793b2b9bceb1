#pragma once
#include <cstdint>

namespace semisup::plan {

// A window of pixels, channels innermost.
struct PixelWindow {
  const float* pixels;
  int64_t rows;
  int64_t columns;
  int64_t row_stride;
  int64_t channels;
};

// The maxima of its channels. What is no number counts as the largest. Compiled for processors with
// AVX-512; to be called on those alone.
void MaxOfWindowAvx512(const PixelWindow& window, float* to);

}  // namespace semisup::plan
