#pragma once
#include "augment/rgb_image.h"

namespace semisup::augment {

// torchvision's adjust_hue(): converts to PIL's HSV, adds `factor` turns to the hue, and converts
// back. The factor is in [-0.5, 0.5].
void AdjustHue(RgbImage& image, double factor);

}  // namespace semisup::augment
