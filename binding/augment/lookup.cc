#include "augment/lookup.h"

namespace semisup::augment {

void Apply(const LookupTable& table, RgbImage& image) {
  for (uint8_t& sample : image.samples) sample = table[sample];
}

void Apply(const std::array<LookupTable, 3>& tables, RgbImage& image) {
  for (size_t i = 0; i < image.samples.size(); i += 3) {
    for (size_t c = 0; c < 3; ++c) image.samples[i + c] = tables[c][image.samples[i + c]];
  }
}

void Posterize(RgbImage& image, int bits) {
  const int mask = 256 - (1 << (8 - bits));
  for (uint8_t& sample : image.samples) sample = static_cast<uint8_t>(sample & mask);
}

void Solarize(RgbImage& image, double threshold) {
  LookupTable table;
  for (int i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(i < threshold ? i : 255 - i);
  Apply(table, image);
}

}  // namespace semisup::augment
