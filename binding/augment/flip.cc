#include "augment/flip.h"

#include <cstring>
#include <vector>

namespace semisup::augment {

void FlipHorizontally(RgbImage& image) {
  const int64_t stride = image.stride();
  // A pixel is copied with the byte that follows it, in one instruction; the next pixel overwrites
  // that byte. The last one of a row has no next one.
  std::vector<uint8_t> original(static_cast<size_t>(stride) + 1);
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t* row = image.row(y);
    std::memcpy(original.data(), row, static_cast<size_t>(stride));
    const uint8_t* source = original.data() + stride - 3;
    for (int64_t i = 0; i < stride - 3; i += 3) std::memcpy(row + i, source - i, 4);
    std::memcpy(row + stride - 3, original.data(), 3);
  }
}

}  // namespace semisup::augment
