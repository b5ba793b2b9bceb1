#include "augment/crop.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "image/rgb.h"

namespace semisup::augment {
namespace {

// The index in [0, size) that is shown at `position`; -1 for none.
int64_t IndexAt(int64_t position, int64_t size, Padding padding) {
  if (position >= 0 && position < size) return position;
  if (padding == Padding::kConstant) return -1;
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1);
  const int64_t index = std::abs(position) % period;
  return std::min(index, period - index);
}

void CropRow(const PixelView& image, const uint8_t* row, const Crop& crop, uint8_t* out) {
  const int64_t right = crop.left + crop.width;
  const int64_t begin = std::clamp<int64_t>(crop.left, 0, image.width);
  const int64_t end = std::clamp<int64_t>(right, begin, image.width);
  const auto convert = [&](int64_t x, int64_t count) {
    ToRgb(row + x * image.channels, count, image.channels, image.cmyk, out + (x - crop.left) * 3);
  };
  if (end > begin) convert(begin, end - begin);
  if (crop.padding == Padding::kConstant) return;
  const auto pad = [&](int64_t from, int64_t to) {
    for (int64_t x = from; x < to; ++x) {
      const int64_t source = IndexAt(x, image.width, crop.padding);
      ToRgb(row + source * image.channels, 1, image.channels, image.cmyk,
            out + (x - crop.left) * 3);
    }
  };
  pad(crop.left, std::min<int64_t>(right, 0));
  pad(std::max(crop.left, image.width), right);
}

}  // namespace

RgbImage CropToRgb(const PixelView& image, const Crop& crop) {
  RgbImage cropped(crop.width, crop.height);
  for (int64_t y = 0; y < crop.height; ++y) {
    const int64_t source = IndexAt(crop.top + y, image.height, crop.padding);
    if (source < 0) continue;
    CropRow(image, image.data + source * image.width * image.channels, crop, cropped.row(y));
  }
  return cropped;
}

RgbImage ResizedCrop(const PixelView& image, const Crop& crop, int64_t size,
                     Interpolation interpolation) {
  RgbImage cropped = CropToRgb(image, crop);
  if (crop.width == size && crop.height == size) return cropped;
  RgbImage resized(size, size);
  ResizeToBytes({cropped.samples.data(), crop.width, crop.height, 3, false}, size, size,
                interpolation, resized.samples.data());
  return resized;
}

}  // namespace semisup::augment
