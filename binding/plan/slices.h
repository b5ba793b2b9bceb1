#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

namespace semisup::plan {

// Of rows and of columns.
using Sides = std::array<int64_t, 2>;

struct Slice {
  int64_t first;
  int64_t count;
};

inline int64_t CeilOf(int64_t dividend, int64_t divisor) {
  return (dividend + divisor - 1) / divisor;
}

// One of `shares` like shares of `count` things, each of which is `unit` long.
inline Slice ShareOf(int64_t count, int64_t index, int64_t shares, int64_t unit = 1) {
  const int64_t first = index * count / shares;
  return {first * unit, ((index + 1) * count / shares - first) * unit};
}

// How many pixels are done at a time: so few that they stay in the second cache beside a panel of
// weights.
inline int64_t FittingPixels(int64_t pixel_bytes, int64_t block_bytes = 256 << 10) {
  constexpr int64_t kFewest = 24;
  return std::max(kFewest, block_bytes / pixel_bytes);
}

// How pixels and panels of outputs are divided: `blocks` of pixels times `shares` of the panels.
struct Division {
  int64_t blocks;
  int64_t shares;
};

// At most `fitting` pixels in a block, and work for all threads. Where there are too few blocks for
// that, threads share the outputs: otherwise each would read all weights for a few pixels.
inline Division Divide(int64_t pixels, int64_t fitting, int64_t panels, int64_t threads) {
  const int64_t blocks = std::max<int64_t>(1, CeilOf(pixels, fitting));
  if (blocks >= threads) return {CeilOf(blocks, threads) * threads, 1};
  const int64_t shares = std::min(panels, threads / blocks);
  // What the outputs leave over is made up by smaller blocks.
  return {std::min(pixels, threads / shares), shares};
}

}  // namespace semisup::plan
