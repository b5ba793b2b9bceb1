// Compiled with -ffp-contract=off, as image/transform.cc: Python fuses no multiply-adds.
#include "augment/histogram.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "augment/lookup.h"

namespace semisup::augment {
namespace {

// How many samples of a channel have each value.
using Histogram = std::array<int64_t, 256>;

std::array<Histogram, 3> HistogramsOf(const RgbImage& image) {
  // Two pixels at a time into counters of their own: an increment waits for the previous one of the
  // same counter, and neighboring pixels are often equal.
  std::array<std::array<Histogram, 3>, 2> counts{};
  const uint8_t* samples = image.samples.data();
  const size_t pairs = image.samples.size() / 6;
  for (size_t i = 0; i < pairs; ++i, samples += 6) {
    for (size_t c = 0; c < 3; ++c) {
      ++counts[0][c][samples[c]];
      ++counts[1][c][samples[3 + c]];
    }
  }
  if (image.samples.size() % 6 != 0) {
    for (size_t c = 0; c < 3; ++c) ++counts[0][c][samples[c]];
  }
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < 256; ++i) counts[0][c][i] += counts[1][c][i];
  }
  return counts[0];
}

LookupTable Identity() {
  LookupTable table;
  std::iota(table.begin(), table.end(), uint8_t{0});
  return table;
}

int LowestOf(const Histogram& histogram) {
  int value = 0;
  while (histogram[value] == 0) ++value;
  return value;
}

int HighestOf(const Histogram& histogram) {
  int value = 255;
  while (histogram[value] == 0) --value;
  return value;
}

LookupTable Stretch(const Histogram& histogram) {
  const int lowest = LowestOf(histogram);
  const int highest = HighestOf(histogram);
  if (highest <= lowest) return Identity();
  const double scale = 255.0 / (highest - lowest);
  const double offset = -lowest * scale;
  LookupTable table;
  for (int i = 0; i < 256; ++i) {
    table[i] = static_cast<uint8_t>(std::clamp(static_cast<int>(i * scale + offset), 0, 255));
  }
  return table;
}

LookupTable Flatten(const Histogram& histogram) {
  const int64_t pixels = std::accumulate(histogram.begin(), histogram.end(), int64_t{0});
  // 0 if all pixels have the same value, too.
  const int64_t step = (pixels - histogram[HighestOf(histogram)]) / 255;
  if (step == 0) return Identity();
  LookupTable table;
  int64_t sum = step / 2;
  for (int i = 0; i < 256; ++i) {
    // In small images, `step` is rounded down by much, and the quotient may exceed 255.
    table[i] = static_cast<uint8_t>(std::min<int64_t>(sum / step, 255));
    sum += histogram[i];
  }
  return table;
}

void ApplyToChannels(RgbImage& image, LookupTable (*table)(const Histogram&)) {
  const std::array<Histogram, 3> histograms = HistogramsOf(image);
  Apply({table(histograms[0]), table(histograms[1]), table(histograms[2])}, image);
}

}  // namespace

void AutoContrast(RgbImage& image) { ApplyToChannels(image, &Stretch); }

void Equalize(RgbImage& image) { ApplyToChannels(image, &Flatten); }

}  // namespace semisup::augment
