// Compiled with -ffp-contract=off, as image/transform.cc. The precision of each step is Pillow's,
// because the results are truncated or rounded: float where it stores a float, otherwise double.
#include "augment/hue.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace semisup::augment {
namespace {

struct Hsv {
  uint8_t hue, saturation, value;
};

Hsv ToHsv(const uint8_t* pixel) {
  const int red = pixel[0], green = pixel[1], blue = pixel[2];
  const int highest = std::max({red, green, blue});
  const int lowest = std::min({red, green, blue});
  if (lowest == highest) return {0, 0, static_cast<uint8_t>(highest)};
  const auto range = static_cast<float>(highest - lowest);
  const float saturation = range / static_cast<float>(highest);
  const float from_red = static_cast<float>(highest - red) / range;
  const float from_green = static_cast<float>(highest - green) / range;
  const float from_blue = static_cast<float>(highest - blue) / range;
  // In sixths of a turn.
  float hue;
  if (red == highest) {
    hue = from_blue - from_green;
  } else if (green == highest) {
    hue = static_cast<float>(2.0 + from_red - from_blue);
  } else {
    hue = static_cast<float>(4.0 + from_green - from_red);
  }
  // fmod(turns, 1.0): turns are in [5/6, 11/6], where the subtraction is exact.
  double turns = hue / 6.0 + 1.0;
  if (turns >= 1.0) turns -= 1.0;
  return {static_cast<uint8_t>(static_cast<float>(turns) * 255.0),
          static_cast<uint8_t>(saturation * 255.0), static_cast<uint8_t>(highest)};
}

// round() of a value that is not negative, without the call.
uint8_t Round(double value) {
  const int floor = static_cast<int>(value);
  return static_cast<uint8_t>(floor + (value - floor >= 0.5 ? 1 : 0));
}

// A hue as one of six sectors of the color wheel, and the position in it.
struct Sector {
  int index;
  float position;
};

std::array<Sector, 256> SectorsOfHues() {
  std::array<Sector, 256> sectors;
  for (int hue = 0; hue < 256; ++hue) {
    const double sixths = static_cast<float>(hue) * 6.0 / 255.0;
    const int index = static_cast<int>(std::floor(sixths));
    sectors[hue] = {index % 6, static_cast<float>(sixths - static_cast<float>(index))};
  }
  return sectors;
}

void ToRgb(const Hsv& hsv, const std::array<Sector, 256>& sectors, uint8_t* pixel) {
  const uint8_t value = hsv.value;
  if (hsv.saturation == 0) {
    std::fill_n(pixel, 3, value);
    return;
  }
  const auto [index, position] = sectors[hsv.hue];
  const auto saturation = static_cast<float>(static_cast<float>(hsv.saturation) / 255.0);
  const auto level = static_cast<float>(value);
  const uint8_t lowest = Round(level * (1.0 - saturation));
  // An even sector rises to the next primary or secondary color, an odd one falls.
  const double share = index % 2 == 0 ? saturation * (1.0 - position) : saturation * position;
  const uint8_t middle = Round(level * (1.0 - share));
  // Which of the value, the middle and the lowest each channel has.
  constexpr uint8_t kOrders[6][3] = {{0, 1, 2}, {1, 0, 2}, {2, 0, 1},
                                     {2, 1, 0}, {1, 2, 0}, {0, 2, 1}};
  const uint8_t levels[3] = {value, middle, lowest};
  for (int c = 0; c < 3; ++c) pixel[c] = levels[kOrders[index][c]];
}

}  // namespace

void AdjustHue(RgbImage& image, double factor) {
  const std::array<Sector, 256> sectors = SectorsOfHues();
  const auto turn = static_cast<uint8_t>(static_cast<int>(factor * 255));
  for (size_t i = 0; i < image.samples.size(); i += 3) {
    Hsv hsv = ToHsv(&image.samples[i]);
    hsv.hue = static_cast<uint8_t>(hsv.hue + turn);
    ToRgb(hsv, sectors, &image.samples[i]);
  }
}

}  // namespace semisup::augment
