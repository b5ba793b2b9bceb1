#pragma once
// Micro-tiles of dot products in vectors of AVX-512.
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <utility>

#include "kernels/direct/output_block.h"
#include "kernels/dot/dot_panel.h"
#include "kernels/prefetch.h"
#include "kernels/unroll.h"

namespace semisup::kernels {

// The maximum number of pixels of a micro-tile: its sums take 24 of the 32 registers.
constexpr int kMaxDotPixels = 24 / kDotVectors;

// The first pixel of a micro-tile within its block, and the first output channel of its panel.
struct DotCorner {
  int64_t pixel;
  int64_t channel;
};

// A micro-tile: consecutive pixels of a block, and the output channels of one panel.
template <class T, class Weight>
struct DotTile {
  const T* const* windows;
  const Weight* weights;
  // The weights to prefetch into L2, `prefetch_step` bytes per lane. Without prefetching, tiles of
  // few pixels stall on memory.
  const char* prefetch;
  int64_t prefetch_step;
  DotCorner corner;
};

// `Kernel` computes with one instruction:
//   Block, Element, Weight, Sum     a block of work, the types of its elements, a vector of sums
//   Initial(block, channel)         the sums to begin with, from `channel` on
//   Multiply(sum, lane, weights)    adds the products of a lane, in every 32 bits, and weights
//   Finish<pixels>(block, corner, sums)  stores a micro-tile
// Flattened: GCC spills the sums to memory around any call that remains.
template <class Kernel, int pixels>
[[gnu::flatten]]
void ComputeDotTile(const typename Kernel::Block& block,
                    const DotTile<typename Kernel::Element, typename Kernel::Weight>& tile) {
  using Element = typename Kernel::Element;
  // Copies, because a store may alias the block and force reloads.
  const auto weights = block.weights;
  const int64_t row_stride = block.output_block.row_stride;
  const int64_t lanes = weights.lanes();
  typename Kernel::Sum sums[pixels][kDotVectors];
  Unroll<kDotVectors>([&](auto j) {
    const auto initial = Kernel::Initial(block, tile.corner.channel + j * kSums);
    Unroll<pixels>([&](auto i) { sums[i][j] = initial; });
  });
  const Element* windows[pixels];
  Unroll<pixels>([&](auto i) { windows[i] = tile.windows[i]; });
  const char* panel = reinterpret_cast<const char*>(tile.weights);
  const char* prefetch = tile.prefetch;
  const int64_t prefetch_step = tile.prefetch_step;
  for (int64_t row = 0; row < weights.rows; row++) {
    for (int64_t k = 0; k < lanes; k++) {
      _mm_prefetch(prefetch, _MM_HINT_T1);
      prefetch += prefetch_step;
      __m512i b[kDotVectors];
      Unroll<kDotVectors>([&](auto j) { b[j] = _mm512_loadu_si512(panel + j * kCacheLineBytes); });
      panel += kDotVectors * kCacheLineBytes;
      Unroll<pixels>([&](auto i) {
        int32_t lane;
        std::memcpy(&lane, windows[i] + k * kLaneElements<Element>, kLaneBytes);
        const __m512i a = _mm512_set1_epi32(lane);
        Unroll<kDotVectors>([&](auto j) { sums[i][j] = Kernel::Multiply(sums[i][j], a, b[j]); });
      });
    }
    Unroll<pixels>([&](auto i) { windows[i] += row_stride; });
  }
  Kernel::template Finish<pixels>(block, tile.corner, sums);
}

template <class Kernel, int... pixels>
constexpr auto MakeDotMicroKernels(std::integer_sequence<int, pixels...>) {
  return std::array{&ComputeDotTile<Kernel, pixels + 1>...};
}
// ComputeDotTile() for 1, 2, ... kMaxDotPixels pixels.
template <class Kernel>
constexpr auto kDotMicroKernels =
    MakeDotMicroKernels<Kernel>(std::make_integer_sequence<int, kMaxDotPixels>());

template <class Kernel>
void RunDotBlock(const typename Kernel::Block& block) {
  const auto& [weights, output_block] = std::tie(block.weights, block.output_block);
  const int64_t panel_size = weights.panel_size();
  const int64_t lanes = weights.rows * weights.lanes();
  const int64_t tiles = CeilDiv(output_block.count, kMaxDotPixels);
  // Each tile prefetches its share of the next panel, at most a cache line per lane.
  const int64_t prefetch_step =
      std::min(kCacheLineBytes, CeilDiv(kDotVectors * kCacheLineBytes, tiles));
  const int64_t end = output_block.panels.first + output_block.panels.count;
  for (int64_t p = output_block.panels.first; p < end; p++) {
    const auto* panel = weights.panels + p * panel_size;
    const char* next = reinterpret_cast<const char*>(panel + panel_size);
    for (int64_t t = 0; t < tiles; t++) {
      const auto [first, count] = SplitRange(output_block.count, t, tiles);
      PrefetchNextTile(output_block.output + p * kDotPanel, output_block.count,
                       output_block.output_channels, kDotPanel, t, tiles);
      kDotMicroKernels<Kernel>[count - 1](block,
                                          {.windows = output_block.windows + first,
                                           .weights = panel,
                                           .prefetch = next + t * prefetch_step * lanes,
                                           .prefetch_step = prefetch_step,
                                           .corner = {.pixel = first, .channel = p * kDotPanel}});
    }
  }
}

}  // namespace semisup::kernels
