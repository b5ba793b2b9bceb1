#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace semisup::augment {

// An image in memory of its own: interleaved 8-bit RGB, rows from top to bottom without padding.
struct RgbImage {
  // Black.
  RgbImage(int64_t width, int64_t height)
      : width(width), height(height), samples(static_cast<size_t>(width * height) * 3) {}

  // The number of samples of a row.
  int64_t stride() const { return width * 3; }
  uint8_t* row(int64_t y) { return samples.data() + y * stride(); }
  const uint8_t* row(int64_t y) const { return samples.data() + y * stride(); }

  int64_t width, height;
  std::vector<uint8_t> samples;
};

}  // namespace semisup::augment
