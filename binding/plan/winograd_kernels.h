#pragma once
#include <cstdint>

#include "images.h"

namespace semisup::plan {

constexpr int kPoints = 36;
constexpr int64_t kPanel = 64;

// What the kernels need to know of a block of tiles; all lengths in elements.
struct TileBlock {
  const Images& images;
  const float* weight;
  int64_t inputs;
  int64_t outputs;
  int64_t tiles_across;
  int64_t tiles_per_image;
  int64_t first;
  int64_t count;
  // Scratch of kPoints * count * inputs, and of kPoints * count * outputs.
  float* transformed;
  float* products;
};

// Compiled for processors with AVX-512; to be called on those alone.
void ConvolveTilesAvx512(const TileBlock& block);

}  // namespace semisup::plan
