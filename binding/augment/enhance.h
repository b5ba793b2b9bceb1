#pragma once
#include "augment/rgb_image.h"

namespace semisup::augment {

// PIL's ImageEnhance: an image is blended with a degenerate one, which factor 0 yields; factor 1
// yields the image, and a larger one exaggerates the difference. A factor is not negative.

// The degenerate image is black.
void AdjustBrightness(RgbImage& image, float factor);
// It has the mean luma of the image.
void AdjustContrast(RgbImage& image, float factor);
// It is the image in shades of gray.
void AdjustSaturation(RgbImage& image, float factor);
// It is the image after PIL's SMOOTH filter, which leaves the outermost pixels unchanged.
void AdjustSharpness(RgbImage& image, float factor);

}  // namespace semisup::augment
