#pragma once
#include "augment/rgb_image.h"

namespace semisup::augment {

// torchvision's affine() and rotate() of a PIL image, without interpolation: each pixel is the
// nearest of the source, or black outside of it. The sides of the image are at most 4096 pixels.

// Shifts rows, or columns, by `slope` pixels per pixel from the top, or from the left. The slope is
// in
// [-1, 1].
void ShearX(RgbImage& image, double slope);
void ShearY(RgbImage& image, double slope);
// Shifts the image by whole pixels to the right, or downwards; at most 4096.
void TranslateX(RgbImage& image, int64_t pixels);
void TranslateY(RgbImage& image, int64_t pixels);
// Rotates counterclockwise around the center. The angle is in [-360, 360].
void Rotate(RgbImage& image, double degrees);

}  // namespace semisup::augment
