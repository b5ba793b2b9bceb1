#pragma once
#include <cstdint>

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/convolution_kernel.h"
#include "kernels/convolution_shape.h"
#include "kernels/cpu_features.h"
#include "kernels/dot/dot_panel.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// The sides of an output tile and of the input that it depends on, in pixels. Each element of the
// transformed input is a point: one multiplication per input and output channel.
constexpr int kBFloat16WinogradTile = 2;
constexpr int kBFloat16WinogradSide = kBFloat16WinogradTile + 2;
constexpr int kBFloat16WinogradPoints = kBFloat16WinogradSide * kBFloat16WinogradSide;

// One unit of work: the output channels `outputs` of a range of tiles. A thread may run several.
struct BFloat16WinogradBlock {
  const ConvolutionArguments<BFloat16>& arguments;
  const ConvolutionShape& shape;
  // The first panel of the first point; see PanelOf().
  DotWeights<BFloat16> weights;
  int64_t tiles_per_row;
  int64_t tiles_per_image;
  // Indices into the tiles of the whole batch.
  Range tiles;
  // Whole panels.
  Range outputs;
  // Scratch memory: the transformed inputs [points, tiles, input channels] and the products
  // [points, tiles, outputs]. The data of successive points are PointStride() apart.
  BFloat16* transformed;
  float* products;

  // In elements. Padded by a cache line, because a power of two would map all points to the same
  // few sets of the L1 cache.
  template <class T>
  static int64_t PointStride(int64_t tiles, int64_t channels) {
    return tiles * channels + kCacheLineBytes / static_cast<int64_t>(sizeof(T));
  }

  int64_t input_stride() const { return PointStride<BFloat16>(tiles.count, shape.input_channels); }
  int64_t product_stride() const { return PointStride<float>(tiles.count, outputs.count); }
  // The weights of a point for the panel of the output channel `output`.
  const BFloat16* PanelOf(int64_t point, int64_t output) const {
    return weights.panels + (point * shape.output_channels + output) * shape.input_channels;
  }
};

// For AVX-512 with its bfloat16 extension.
void RunBFloat16WinogradBlockAvx512(const BFloat16WinogradBlock& block);

}  // namespace semisup::kernels
