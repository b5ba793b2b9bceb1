#include "augment/flip.h"

#include <algorithm>

namespace semisup::augment {

void FlipHorizontally(RgbImage& image) {
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t* left = image.row(y);
    for (uint8_t* right = left + image.stride() - 3; left < right; left += 3, right -= 3) {
      std::swap_ranges(left, left + 3, right);
    }
  }
}

}  // namespace semisup::augment
