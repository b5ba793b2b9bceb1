// Compiled with -ffp-contract=off, as image/transform.cc: Pillow's blend fuses no multiply-adds.
#include "augment/enhance.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "augment/lookup.h"

namespace semisup::augment {
namespace {

// In the precision and order of Pillow, because the result is truncated.
uint8_t Blend(uint8_t degenerate, uint8_t sample, float factor) {
  const float value = static_cast<float>(degenerate) +
                      factor * static_cast<float>(static_cast<int>(sample) - degenerate);
  return static_cast<uint8_t>(static_cast<int>(std::clamp(value, 0.0f, 255.0f)));
}

void BlendRow(const uint8_t* degenerate, int64_t count, float factor, uint8_t* row) {
  for (int64_t i = 0; i < count; ++i) row[i] = Blend(degenerate[i], row[i], factor);
}

void BlendWithLevel(RgbImage& image, uint8_t level, float factor) {
  LookupTable table;
  for (int i = 0; i < 256; ++i) table[i] = Blend(level, static_cast<uint8_t>(i), factor);
  Apply(table, image);
}

// The luma of ITU-R BT.601, in Pillow's fixed-point format.
int LumaOf(const uint8_t* pixel) {
  return (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16;
}

// The SMOOTH filter of the inner samples of a row, from the rows above and below: the mean of a
// sample with weight 5 and its eight neighbors. Pillow computes it in float, rounded half up. No
// sum is half-way between two multiples of 13, so that the integers are equal.
void SmoothRow(const uint8_t* above, const uint8_t* row, const uint8_t* below, int64_t count,
               uint8_t* out) {
  for (int64_t i = 3; i < count - 3; ++i) {
    const auto sum =
        static_cast<uint16_t>(above[i - 3] + above[i] + above[i + 3] + row[i - 3] + 5 * row[i] +
                              row[i + 3] + below[i - 3] + below[i] + below[i + 3] + 6);
    // Division by 13, exact for all sums, by a multiplication that vectorizes.
    out[i] = static_cast<uint8_t>((static_cast<uint32_t>(sum) * 5042) >> 16);
  }
}

}  // namespace

void AdjustBrightness(RgbImage& image, float factor) { BlendWithLevel(image, 0, factor); }

void AdjustContrast(RgbImage& image, float factor) {
  int64_t sum = 0;
  for (size_t i = 0; i < image.samples.size(); i += 3) sum += LumaOf(&image.samples[i]);
  const double mean = static_cast<double>(sum) / static_cast<double>(image.width * image.height);
  BlendWithLevel(image, static_cast<uint8_t>(mean + 0.5), factor);
}

void AdjustSaturation(RgbImage& image, float factor) {
  // Levels are written with a byte that the next one overwrites.
  std::vector<uint8_t> gray(static_cast<size_t>(image.stride()) + 1);
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t* row = image.row(y);
    for (int64_t i = 0; i < image.stride(); i += 3) {
      const auto levels = static_cast<uint32_t>(LumaOf(row + i)) * 0x01010101;
      std::memcpy(&gray[i], &levels, sizeof(levels));
    }
    BlendRow(gray.data(), image.stride(), factor, row);
  }
}

void AdjustSharpness(RgbImage& image, float factor) {
  if (image.width < 3 || image.height < 3) return;
  const int64_t stride = image.stride();
  // Rows are blended in place, so that the filter needs copies of the two that it reads again.
  std::vector<uint8_t> above(image.row(0), image.row(1));
  std::vector<uint8_t> current(image.row(1), image.row(2));
  std::vector<uint8_t> smooth(static_cast<size_t>(stride));
  for (int64_t y = 1; y < image.height - 1; ++y) {
    uint8_t* row = image.row(y);
    SmoothRow(above.data(), current.data(), image.row(y + 1), stride, smooth.data());
    BlendRow(smooth.data() + 3, stride - 6, factor, row + 3);
    std::swap(above, current);
    std::memcpy(current.data(), image.row(y + 1), static_cast<size_t>(stride));
  }
}

}  // namespace semisup::augment
