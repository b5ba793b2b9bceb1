#pragma once
// Micro-tiles of products of 2 x 2 matrices: of two pixels and two output channels, a lane of each.
#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "kernels/dot/dot_tile.h"

namespace semisup::kernels {

// `Kernel`: as that of ComputeDotTile(), with these instead of Broadcast() and Multiply():
//   LoadPair(first, second)      a lane of each of two pixels
//   Multiply(sum, pair, weights) adds the products of two pixels and two channels to
//                                [[pixel 0 x channel 0, 0 x 1], [1 x 0, 1 x 1]]
//   Low(a, b), High(a, b)        the lower, and the upper halves of both
template <class Kernel, int pixels>
[[gnu::flatten]]
void ComputeMatrixTile(const typename Kernel::Block& block,
                       const DotTile<typename Kernel::Element, typename Kernel::Weight>& tile) {
  using Sum = typename Kernel::Sum;
  constexpr int kPairs = (pixels + 1) / 2;
  constexpr int kVectors = static_cast<int>(Kernel::kPanel.vectors);
  // Pairs of channels, of which a vector holds the weights.
  constexpr int kColumns = 2 * kVectors;
  constexpr int64_t kLane = Kernel::kPanel.lane_bytes;
  const auto weights = block.weights;
  const int64_t row_stride = block.output_block.row_stride;
  const int64_t lanes = weights.lanes();
  Sum sums[kPairs][kColumns];
  Unroll<kVectors>([&](auto j) {
    const auto initial = Kernel::Initial(block, tile.corner.channel + j * Kernel::kPanel.sums);
    Unroll<kPairs>([&](auto i) {
      sums[i][2 * j] = Kernel::Low(initial, initial);
      sums[i][2 * j + 1] = Kernel::High(initial, initial);
    });
  });
  // An odd last pixel is multiplied twice.
  const typename Kernel::Element* windows[2 * kPairs];
  Unroll<2 * kPairs>([&](auto i) { windows[i] = tile.windows[std::min<int>(i, pixels - 1)]; });
  const char* panel = reinterpret_cast<const char*>(tile.weights);
  const char* prefetch = tile.prefetch;
  const int64_t prefetch_step = tile.prefetch_step;
  for (int64_t row = 0; row < weights.rows; row++) {
    for (int64_t k = 0; k < lanes; k++) {
      Prefetch<Cache::kL2>(prefetch);
      prefetch += prefetch_step;
      typename Kernel::Pixels a[kPairs];
      Unroll<kPairs>([&](auto i) {
        a[i] = Kernel::LoadPair(reinterpret_cast<const char*>(windows[2 * i]) + k * kLane,
                                reinterpret_cast<const char*>(windows[2 * i + 1]) + k * kLane);
      });
      Unroll<kColumns>([&](auto j) {
        const auto b = Kernel::Load(panel + j * 2 * kLane);
        Unroll<kPairs>([&](auto i) { sums[i][j] = Kernel::Multiply(sums[i][j], a[i], b); });
      });
      panel += kColumns * 2 * kLane;
    }
    Unroll<2 * kPairs>([&](auto i) { windows[i] += row_stride; });
  }
  Sum rows[pixels][kVectors];
  Unroll<pixels>([&](auto i) {
    Unroll<kVectors>([&](auto j) {
      const auto& [left, right] = std::tie(sums[i / 2][2 * j], sums[i / 2][2 * j + 1]);
      rows[i][j] = i % 2 == 0 ? Kernel::Low(left, right) : Kernel::High(left, right);
    });
  });
  Kernel::template Finish<pixels>(block, tile.corner, rows);
}

template <class Kernel, int... pixels>
constexpr auto MakeMatrixMicroKernels(std::integer_sequence<int, pixels...>) {
  return std::array{&ComputeMatrixTile<Kernel, pixels + 1>...};
}
// ComputeMatrixTile() for 1, 2, ... kPixels pixels.
template <class Kernel>
constexpr auto kMatrixMicroKernels =
    MakeMatrixMicroKernels<Kernel>(std::make_integer_sequence<int, Kernel::kPixels>());

template <class Kernel>
void RunMatrixBlock(const typename Kernel::Block& block) {
  RunTiles<Kernel>(block, kMatrixMicroKernels<Kernel>);
}

}  // namespace semisup::kernels
