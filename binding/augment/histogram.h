#pragma once
#include "augment/rgb_image.h"

namespace semisup::augment {

// PIL's ImageOps.autocontrast(): stretches the values of each channel to 0..255.
void AutoContrast(RgbImage& image);
// PIL's ImageOps.equalize(): makes the histogram of each channel flat.
void Equalize(RgbImage& image);

}  // namespace semisup::augment
