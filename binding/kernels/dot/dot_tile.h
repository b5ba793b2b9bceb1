#pragma once
// Micro-tiles of dot products in vectors.
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

// `Kernel` computes with the instructions of a processor:
//   kPanel, kPixels                 the panel, and the maximum number of pixels of a micro-tile
//   Block, Element, Weight          a block of work, and the types of its elements
//   Sum, Lanes                      a vector of sums, a vector of lanes
//   Initial(block, index)           the sums to begin with, from position `index` on
//   Broadcast(bits)                 a lane, in all elements of a vector
//   Load(weights)                   a vector of weights
//   Multiply(sum, lane, weights)    adds the products
//   Finish<pixels>(block, corner, sums)  stores a micro-tile
// Flattened: GCC spills the sums to memory around any call that remains.
template <class Kernel, int pixels>
[[gnu::flatten]]
void ComputeDotTile(const typename Kernel::Block& block,
                    const DotTile<typename Kernel::Element, typename Kernel::Weight>& tile) {
  using Element = typename Kernel::Element;
  constexpr int kVectors = static_cast<int>(Kernel::kPanel.vectors);
  constexpr int64_t kVectorBytes = Kernel::kPanel.sums * kLaneBytes;
  constexpr int64_t kLane = Kernel::kPanel.template lane_elements<Element>();
  // Copies, because a store may alias the block and force reloads.
  const auto weights = block.weights;
  const int64_t row_stride = block.output_block.row_stride;
  const int64_t lanes = weights.lanes();
  typename Kernel::Sum sums[pixels][kVectors];
  Unroll<kVectors>([&](auto j) {
    const auto initial = Kernel::Initial(block, tile.corner.channel + j * Kernel::kPanel.sums);
    Unroll<pixels>([&](auto i) { sums[i][j] = initial; });
  });
  const Element* windows[pixels];
  Unroll<pixels>([&](auto i) { windows[i] = tile.windows[i]; });
  const char* panel = reinterpret_cast<const char*>(tile.weights);
  const char* prefetch = tile.prefetch;
  const int64_t prefetch_step = tile.prefetch_step;
  for (int64_t row = 0; row < weights.rows; row++) {
    for (int64_t k = 0; k < lanes; k++) {
      Prefetch<Cache::kL2>(prefetch);
      prefetch += prefetch_step;
      typename Kernel::Lanes b[kVectors];
      Unroll<kVectors>([&](auto j) { b[j] = Kernel::Load(panel + j * kVectorBytes); });
      panel += kVectors * kVectorBytes;
      Unroll<pixels>([&](auto i) {
        int32_t lane;
        std::memcpy(&lane, windows[i] + k * kLane, kLaneBytes);
        const auto a = Kernel::Broadcast(lane);
        Unroll<kVectors>([&](auto j) { sums[i][j] = Kernel::Multiply(sums[i][j], a, b[j]); });
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
// ComputeDotTile() for 1, 2, ... kPixels pixels.
template <class Kernel>
constexpr auto kDotMicroKernels =
    MakeDotMicroKernels<Kernel>(std::make_integer_sequence<int, Kernel::kPixels>());

// Runs the micro-tiles of a block. `micro_kernels`: by the number of pixels less one.
template <class Kernel, class MicroKernels>
void RunTiles(const typename Kernel::Block& block, const MicroKernels& micro_kernels) {
  constexpr int64_t kChannels = Kernel::kPanel.channels();
  const auto& [weights, output_block] = std::tie(block.weights, block.output_block);
  const int64_t panel_size = weights.panel_size();
  const int64_t lanes = weights.rows * weights.lanes();
  const int64_t tiles = CeilDiv(output_block.count, Kernel::kPixels);
  // Each tile prefetches its share of the next panel, at most a cache line per lane.
  const int64_t prefetch_step =
      std::min(kCacheLineBytes, CeilDiv(kChannels * Kernel::kPanel.lane_bytes, tiles));
  const int64_t end = output_block.panels.first + output_block.panels.count;
  for (int64_t p = output_block.panels.first; p < end; p++) {
    const auto* panel = weights.panels + p * panel_size;
    const char* next = reinterpret_cast<const char*>(panel + panel_size);
    for (int64_t t = 0; t < tiles; t++) {
      const auto [first, count] = SplitRange(output_block.count, t, tiles);
      PrefetchNextTile(output_block.output + p * kChannels, output_block.count,
                       output_block.output_channels, kChannels, t, tiles);
      micro_kernels[count - 1](block, {.windows = output_block.windows + first,
                                       .weights = panel,
                                       .prefetch = next + t * prefetch_step * lanes,
                                       .prefetch_step = prefetch_step,
                                       .corner = {.pixel = first, .channel = p * kChannels}});
    }
  }
}

template <class Kernel>
void RunDotBlock(const typename Kernel::Block& block) {
  RunTiles<Kernel>(block, kDotMicroKernels<Kernel>);
}

}  // namespace semisup::kernels
