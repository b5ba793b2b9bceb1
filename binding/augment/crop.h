#pragma once
#include <cstdint>

#include "augment/rgb_image.h"
#include "image/transform.h"

namespace semisup::augment {

// What a crop shows outside of the image.
enum class Padding {
  // Black, as Image.crop() does.
  kConstant,
  // The image mirrored at its edge, without repeating the edge, as numpy.pad(mode='reflect').
  kReflect,
};

// A rectangle, in pixels of an image. It may extend beyond the image.
struct Crop {
  int64_t top, left, height, width;
  Padding padding;
};

// Image.convert("RGB").crop(crop).
RgbImage CropToRgb(const PixelView& image, const Crop& crop);

// The crop, resized to size x size pixels: torchvision's resized_crop(). A crop of that size is not
// resized.
RgbImage ResizedCrop(const PixelView& image, const Crop& crop, int64_t size,
                     Interpolation interpolation);

}  // namespace semisup::augment
