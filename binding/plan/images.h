#pragma once
#include <cstdint>

namespace semisup::plan {

// What a convolution of our own reads and writes: float32, row by row, channels innermost.
struct Images {
  const float* input;
  const float* bias;
  // Added before the rectifier, as the output lies, or null; may be the output itself.
  const float* other;
  float* output;
  int64_t count;
  int64_t height;
  int64_t width;
  bool rectify;
};

}  // namespace semisup::plan
