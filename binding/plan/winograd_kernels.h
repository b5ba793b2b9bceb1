#pragma once
#include <cstdint>
#include <numeric>

#include "kernel.h"
#include "processor.h"
#include "shape.h"
#include "slices.h"

namespace semisup::plan {

// The widest panel: how many outputs are computed side by side, where a group has so many.
constexpr int64_t kWidestPanel = 2 * kLane;

// Small groups are joined.
struct WinogradShape : Shape {
  // How many pixels a tile of the output has each way: 4 or 2.
  int tile;

  // How many products a tile takes for each input and output.
  int points() const { return (tile + 2) * (tile + 2); }
  int64_t panel() const { return std::gcd(group_outputs(), kWidestPanel); }
  // How many weights there are: transformed along rows alone, [3, tile + 2] for each kernel.
  int64_t weights() const { return 3 * (tile + 2) * group_inputs() * outputs; }
  // Where the weights for one column of points and a panel of outputs lie, as
  // [group_inputs(), 3, panel()]: those of a group together, as they are used.
  int64_t PanelAt(int64_t column, int64_t output) const {
    const int64_t group = output / group_outputs();
    const int64_t row = (group * (tile + 2) + column) * group_outputs() + output % group_outputs();
    return 3 * row * group_inputs();
  }
};

// How far the numbers for one point lie from those for the next. Not a power of two, which would
// map all of them to the same few lines of the first cache.
inline int64_t StepOf(const Slice& tiles, const Slice& channels) {
  return tiles.count * channels.count + kLane;
}

// What the kernels need to know of a block of tiles; all lengths in elements.
struct TileBlock {
  const Images& images;
  const WinogradShape& shape;
  const float* weight;
  int64_t tiles_across;
  int64_t tiles_per_image;
  Slice tiles;
  // Which channels of the images these tiles are computed of, and which for; whole panels.
  Slice inputs;
  Slice outputs;
  // Scratch: for each point a step of the inputs, and of the outputs.
  float* transformed;
  float* products;
};

// Compiled for processors with AVX-512; to be called on those alone.
void ConvolveTilesAvx512(const TileBlock& block);

}  // namespace semisup::plan
