#pragma once
#include <cstdint>
#include <numeric>

#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/cpu_features.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// The shape of a Winograd convolution after merging small groups.
struct WinogradShape : ConvolutionShape {
  // The side of an output tile in pixels: 4 or 2.
  int tile;
  // The maximum width of a panel of weights, in output channels.
  int64_t max_panel;

  // The elements of a transformed tile: one multiplication each per input and output channel.
  int points() const { return (tile + 2) * (tile + 2); }
  int64_t panel() const { return std::gcd(group_outputs(), max_panel); }
  // The number of weights, which are transformed along rows only: 3 * (tile + 2) per kernel.
  int64_t weights() const { return 3 * (tile + 2) * group_inputs() * output_channels; }
  // The offset of the weights [group_inputs(), 3, panel()] for transformed column `column` of the
  // panel whose first output channel is `output`. The panels of a group are stored in the order in
  // which they are used.
  int64_t PanelOffset(int64_t column, int64_t output) const {
    const int64_t group = output / group_outputs();
    const int64_t packed_channel =
        (group * (tile + 2) + column) * group_outputs() + output % group_outputs();
    return 3 * packed_channel * group_inputs();
  }
};

// The distance in elements between the data of two points. Padded by a cache line, because a power
// of two would map all points to the same few sets of the L1 cache.
inline int64_t PointStride(const Range& tiles, const Range& channels) {
  return tiles.count * channels.count + kCacheLineBytes / static_cast<int64_t>(sizeof(float));
}

// One unit of work: the output channels `outputs` of a range of tiles. A thread may run several.
struct WinogradBlock {
  const ConvolutionArguments<float>& arguments;
  const WinogradShape& shape;
  const float* weight;
  int64_t tiles_per_row;
  int64_t tiles_per_image;
  // Indices into the tiles of the whole batch.
  Range tiles;
  // The input channels that `outputs` depend on.
  Range inputs;
  // Whole panels.
  Range outputs;
  // Scratch memory: the transformed inputs and the products. The data of successive points are
  // PointStride() apart.
  float* transformed;
  float* products;
};

}  // namespace semisup::kernels
