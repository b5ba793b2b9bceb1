#pragma once
#include <algorithm>
#include <cstdint>

#include "kernels/gemm.h"

namespace semisup::kernels::SEMISUP_SIMD {

// The maximum number of pixels of a micro-tile: as many independent sums as hide the latency of an
// addition.
constexpr int kMaxDepthwisePixels = 8;

// A micro-tile: consecutive pixels of an output row, and a range of vectors of their channels.
struct DepthwiseTile {
  // The distance between the rows of a window.
  int64_t row_stride;
  // Of a pixel.
  int64_t channels;
  // Of the kernel.
  int64_t columns;
  int64_t stride;
  int64_t dilation;
  int64_t input_width;
  int64_t weights_per_vector;
  bool relu;
  // The channels of the last vector, if it is partial.
  int64_t last_channels;
  // The kernel's rows that are inside the input.
  int64_t rows = 0;
  // The column of the first pixel's window; negative in the padding.
  int64_t left = 0;
  // The first column of the input's row that the first of `rows` covers, and its weights.
  const float* input = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  const float* residual = nullptr;
  float* output = nullptr;
  int64_t vectors = 0;

  // The tile from vector `vector` on, which is the last.
  DepthwiseTile From(int64_t vector) const {
    DepthwiseTile tile = *this;
    tile.input += vector * kVectorWidth;
    tile.weight += vector * weights_per_vector;
    if (bias) tile.bias += vector * kVectorWidth;
    if (residual) tile.residual += vector * kVectorWidth;
    tile.output += vector * kVectorWidth;
    tile.vectors = 1;
    return tile;
  }
};

template <bool is_partial>
inline Vector LoadChannels(const float* data, int64_t count) {
  return is_partial ? LoadPart(data, count) : Load(data);
}

// The sums before the products: the bias and the residual.
template <bool is_partial, int pixels>
inline void InitializeSums(const DepthwiseTile& tile, int64_t channel, Vector (&sums)[pixels]) {
  const Vector bias =
      tile.bias ? LoadChannels<is_partial>(tile.bias + channel, tile.last_channels) : Zero();
  Unroll<pixels>([&](auto i) { sums[i] = bias; });
  if (!tile.residual) return;
  Unroll<pixels>([&](auto i) {
    const float* residual = tile.residual + i * tile.channels + channel;
    sums[i] = Add(sums[i], LoadChannels<is_partial>(residual, tile.last_channels));
  });
}

template <bool is_partial, int pixels>
inline void StoreSums(const DepthwiseTile& tile, int64_t channel, const Vector (&sums)[pixels]) {
  const Vector bound = LowerBound(tile.relu);
  Unroll<pixels>([&](auto i) {
    float* output = tile.output + i * tile.channels + channel;
    const Vector value = AtLeast(bound, sums[i]);
    if constexpr (is_partial) {
      StorePart(output, tile.last_channels, value);
    } else {
      Store(output, value);
    }
  });
}

// For kernels of `columns` columns without dilation. Each input element is loaded once per row of
// the kernel.
template <int pixels, int columns, int stride>
void ComputeDepthwiseTile(const DepthwiseTile& argument) {
  // A local copy: a store through `output` could alias `argument` and force reloads.
  const DepthwiseTile tile = argument;
  constexpr int kInputs = (pixels - 1) * stride + columns;
  const int64_t first = -tile.left;
  const int64_t end = tile.input_width - tile.left;
  for (int64_t v = 0; v < tile.vectors; v++) {
    const int64_t channel = v * kVectorWidth;
    Vector sums[pixels];
    InitializeSums<false>(tile, channel, sums);
    const float* weight = tile.weight + v * tile.weights_per_vector;
    const float* input = tile.input + tile.left * tile.channels + channel;
    for (int64_t row = 0; row < tile.rows; row++) {
      Vector weights[columns];
      Unroll<columns>([&](auto j) { weights[j] = Load(weight + j * kVectorWidth); });
      Unroll<kInputs>([&](auto i) {
        if (i < first || i >= end) return;
        const Vector value = Load(input + i * tile.channels);
        Unroll<columns>([&](auto j) {
          constexpr int kOffset = decltype(i)::value - decltype(j)::value;
          if constexpr (kOffset >= 0 && kOffset % stride == 0 && kOffset / stride < pixels) {
            Vector& sum = sums[kOffset / stride];
            sum = MultiplyAdd(value, weights[j], sum);
          }
        });
      });
      weight += columns * kVectorWidth;
      input += tile.row_stride;
    }
    StoreSums<false>(tile, channel, sums);
  }
}

// For any kernel.
template <bool is_partial, int pixels>
void ComputeGeneralDepthwiseTile(const DepthwiseTile& argument) {
  const DepthwiseTile tile = argument;
  for (int64_t v = 0; v < tile.vectors; v++) {
    const int64_t channel = v * kVectorWidth;
    Vector sums[pixels];
    InitializeSums<is_partial>(tile, channel, sums);
    const float* weight = tile.weight + v * tile.weights_per_vector;
    for (int64_t row = 0; row < tile.rows; row++) {
      const float* input = tile.input + row * tile.row_stride + channel;
      for (int64_t column = 0; column < tile.columns; column++) {
        const Vector factor = Load(weight);
        weight += kVectorWidth;
        const int64_t x = tile.left + column * tile.dilation;
        Unroll<pixels>([&](auto i) {
          const int64_t at = x + i * tile.stride;
          if (at < 0 || at >= tile.input_width) return;
          const Vector value =
              LoadChannels<is_partial>(input + at * tile.channels, tile.last_channels);
          sums[i] = MultiplyAdd(value, factor, sums[i]);
        });
      }
    }
    StoreSums<is_partial>(tile, channel, sums);
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
