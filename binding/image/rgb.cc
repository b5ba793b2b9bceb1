#include "image/rgb.h"

#include <cstddef>
#include <cstring>

namespace semisup {
namespace {

// With Pillow's rounding of the division by 255.
void CmykToRgb(const uint8_t* inks, int64_t count, uint8_t* rgb) {
  for (int64_t i = 0; i < count; ++i, inks += 4, rgb += 3) {
    const int paper = 255 - inks[3];
    for (int c = 0; c < 3; ++c) {
      const int product = inks[c] * paper + 128;
      rgb[c] = static_cast<uint8_t>(paper - ((product + (product >> 8)) >> 8));
    }
  }
}

}  // namespace

void ToRgb(const uint8_t* pixels, int64_t count, int channels, bool cmyk, uint8_t* rgb) {
  if (cmyk) return CmykToRgb(pixels, count, rgb);
  if (channels == 3) {
    std::memcpy(rgb, pixels, static_cast<size_t>(count) * 3);
    return;
  }
  // Where the second and third sample of a pixel are.
  const int green = channels < 3 ? 0 : 1;
  const int blue = 2 * green;
  for (int64_t i = 0; i < count; ++i, pixels += channels, rgb += 3) {
    rgb[0] = pixels[0];
    rgb[1] = pixels[green];
    rgb[2] = pixels[blue];
  }
}

}  // namespace semisup
