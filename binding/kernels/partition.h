#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

namespace semisup::kernels {

// {height, width}.
using HeightWidth = std::array<int64_t, 2>;

// Indices from `first` to `first + count - 1`.
struct Range {
  int64_t first;
  int64_t count;
};

inline int64_t CeilDiv(int64_t dividend, int64_t divisor) {
  return (dividend + divisor - 1) / divisor;
}

// Part `index` of `count` items that are split into `parts` parts of nearly equal size; each item
// spans `unit` indices of the result.
inline Range SplitRange(int64_t count, int64_t index, int64_t parts, int64_t unit = 1) {
  const int64_t first = index * count / parts;
  return {first * unit, ((index + 1) * count / parts - first) * unit};
}

// The number of pixels whose inputs fit into the L2 cache beside a panel of weights.
inline int64_t PixelsPerBlock(int64_t pixel_bytes, int64_t block_bytes = 256 << 10) {
  constexpr int64_t kMinPixels = 24;
  return std::max(kMinPixels, block_bytes / pixel_bytes);
}

// A matrix product is split into pixel_blocks x panel_groups units of work.
struct WorkPartition {
  int64_t pixel_blocks;
  int64_t panel_groups;
};

// Splits into blocks of at most `block_pixels` pixels, with at least one unit of work per thread.
// If there are fewer blocks than threads, threads share the panels instead: smaller blocks would
// make each thread read all weights for a few pixels.
inline WorkPartition PartitionWork(int64_t pixels, int64_t block_pixels, int64_t panels,
                                   int64_t threads) {
  const int64_t blocks = std::max<int64_t>(1, CeilDiv(pixels, block_pixels));
  if (blocks >= threads) return {CeilDiv(blocks, threads) * threads, 1};
  const int64_t groups = std::min(panels, threads / blocks);
  // Threads that the panels leave idle take smaller blocks.
  return {std::min(pixels, threads / groups), groups};
}

}  // namespace semisup::kernels
