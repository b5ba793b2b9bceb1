#pragma once
#include <array>
#include <cstdint>

#include "augment/rgb_image.h"

namespace semisup::augment {

// The new value of each of the 256 values of a sample.
using LookupTable = std::array<uint8_t, 256>;

// Image.point() of one table for all channels, or of a table for each.
void Apply(const LookupTable& table, RgbImage& image);
void Apply(const std::array<LookupTable, 3>& tables, RgbImage& image);

// PIL's ImageOps.posterize(), which keeps the highest `bits` of a sample, 1 to 8.
void Posterize(RgbImage& image, int bits);
// PIL's ImageOps.solarize(), which inverts samples that are not below the threshold.
void Solarize(RgbImage& image, double threshold);

}  // namespace semisup::augment
