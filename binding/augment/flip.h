#pragma once
#include "augment/rgb_image.h"

namespace semisup::augment {

// Mirrors the columns.
void FlipHorizontally(RgbImage& image);

}  // namespace semisup::augment
