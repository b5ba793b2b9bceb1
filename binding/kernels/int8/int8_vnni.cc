#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/int8/int8_block.h"
#include "kernels/prefetch.h"
#include "kernels/unroll.h"

namespace semisup::kernels {
namespace {

constexpr int kVectors = kInt8PanelChannels / kSums;
// The maximum number of pixels of a micro-tile: its sums take 24 of the 32 registers.
constexpr int kMaxTilePixels = 24 / kVectors;

// A micro-tile: consecutive pixels of a block, and the output channels of one panel.
struct Tile {
  const uint8_t* const* windows;
  const int8_t* weights;
  // The weights to prefetch into L2, `prefetch_step` bytes per quad. Without prefetching, tiles of
  // few pixels stall on memory.
  const int8_t* prefetch;
  int64_t prefetch_step;
  // The first output channel, and the first pixel within the block.
  int64_t output_channel;
  int64_t first;
};

// Packs with saturation to uint8.
__m512i PackBytes(const __m512i (&values)[kVectors]) {
  return _mm512_packus_epi16(_mm512_packs_epi32(values[0], values[1]),
                             _mm512_packs_epi32(values[2], values[3]));
}

// The inverse of PackBytes() for one vector, as floats.
template <int vector>
__m512 UnpackBytes(__m512i bytes) {
  // A selector of 0x80 yields a zero byte.
  constexpr int kFirst = static_cast<int>(0x80808000) + vector * 4;
  const __m512i order = _mm512_set4_epi32(kFirst + 3, kFirst + 2, kFirst + 1, kFirst);
  return _mm512_cvtepi32_ps(_mm512_shuffle_epi8(bytes, order));
}

// Copies what the loops need of `block` to local variables first: a byte store may alias it and
// force reloads. Flattened: GCC spills the sums to memory around any call that remains.
template <int pixels, bool sums_are_float_bits>
[[gnu::flatten]]
void ComputeTile(const Int8Block& block, const Tile& tile) {
  const auto weights = block.weights;
  const auto requantization = block.requantization;
  const int64_t row_stride = block.output_block.row_stride;
  const int64_t output_channels = block.output_block.output_channels;
  __m512i sums[pixels][kVectors];
  Unroll<kVectors>([&](auto j) {
    const __m512i initial =
        _mm512_loadu_si512(requantization.initial_sum + tile.output_channel + j * kSums);
    Unroll<pixels>([&](auto i) { sums[i][j] = initial; });
  });
  const uint8_t* windows[pixels];
  Unroll<pixels>([&](auto i) { windows[i] = tile.windows[i]; });
  const int8_t* panel = tile.weights;
  const int8_t* prefetch = tile.prefetch;
  const int64_t prefetch_step = tile.prefetch_step;
  for (int64_t row = 0; row < weights.rows; row++) {
    for (int64_t k = 0; k < weights.quads; k++) {
      _mm_prefetch(reinterpret_cast<const char*>(prefetch), _MM_HINT_T1);
      prefetch += prefetch_step;
      __m512i b[kVectors];
      Unroll<kVectors>([&](auto j) { b[j] = _mm512_loadu_si512(panel + j * kCacheLineBytes); });
      panel += kVectors * kCacheLineBytes;
      Unroll<pixels>([&](auto i) {
        int32_t quad;
        std::memcpy(&quad, windows[i] + k * kQuadBytes, kQuadBytes);
        const __m512i a = _mm512_set1_epi32(quad);
        Unroll<kVectors>([&](auto j) { sums[i][j] = _mm512_dpbusd_epi32(sums[i][j], a, b[j]); });
      });
    }
    Unroll<pixels>([&](auto i) { windows[i] += row_stride; });
  }
  const int64_t corner = tile.first * output_channels + tile.output_channel;
  const uint8_t* residual =
      block.output_block.residual ? block.output_block.residual + corner : nullptr;
  uint8_t* output = block.output_block.output + corner;
  const __m512 residual_scale = _mm512_set1_ps(requantization.residual_scale);
  Unroll<kVectors>([&](auto j) {
    const __m512 scale = _mm512_loadu_ps(requantization.scale + tile.output_channel + j * kSums);
    const __m512 offset = _mm512_loadu_ps(requantization.offset + tile.output_channel + j * kSums);
    Unroll<pixels>([&](auto i) {
      const __m512i sum = sums[i][j];
      const __m512 sum_as_float =
          sums_are_float_bits ? _mm512_castsi512_ps(sum) : _mm512_cvtepi32_ps(sum);
      __m512 value = _mm512_fmadd_ps(sum_as_float, scale, offset);
      if (residual) {
        const __m512i bytes = _mm512_loadu_si512(residual + i * output_channels);
        value = _mm512_fmadd_ps(UnpackBytes<j>(bytes), residual_scale, value);
      }
      sums[i][j] = _mm512_cvtps_epi32(value);
    });
  });
  Unroll<pixels>(
      [&](auto i) { _mm512_storeu_si512(output + i * output_channels, PackBytes(sums[i])); });
}

template <bool sums_are_float_bits, int... pixels>
constexpr auto MakeMicroKernels(std::integer_sequence<int, pixels...>) {
  return std::array{&ComputeTile<pixels + 1, sums_are_float_bits>...};
}
// ComputeTile() for 1, 2, ... kMaxTilePixels pixels.
template <bool sums_are_float_bits>
constexpr auto kMicroKernels =
    MakeMicroKernels<sums_are_float_bits>(std::make_integer_sequence<int, kMaxTilePixels>());

}  // namespace

void RunInt8BlockVnni(const Int8Block& block) {
  const auto& micro_kernels =
      block.requantization.sums_are_float_bits ? kMicroKernels<true> : kMicroKernels<false>;
  const int64_t panel_size = block.weights.panel_size();
  const int64_t quads = block.weights.rows * block.weights.quads;
  const int64_t tiles = CeilDiv(block.output_block.count, kMaxTilePixels);
  // Each tile prefetches its share of the next panel, at most a cache line per quad.
  const int64_t prefetch_step =
      std::min(kCacheLineBytes, CeilDiv(kVectors * kCacheLineBytes, tiles));
  const int64_t end = block.output_block.panels.first + block.output_block.panels.count;
  for (int64_t p = block.output_block.panels.first; p < end; p++) {
    const int8_t* panel = block.weights.panels + p * panel_size;
    for (int64_t t = 0; t < tiles; t++) {
      const auto [first, count] = SplitRange(block.output_block.count, t, tiles);
      PrefetchNextTile(block.output_block.output + p * kInt8PanelChannels, block.output_block.count,
                       block.output_block.output_channels, kInt8PanelChannels, t, tiles);
      micro_kernels[count - 1](block, {.windows = block.output_block.windows + first,
                                       .weights = panel,
                                       .prefetch = panel + panel_size + t * prefetch_step * quads,
                                       .prefetch_step = prefetch_step,
                                       .output_channel = p * kInt8PanelChannels,
                                       .first = first});
    }
  }
}

}  // namespace semisup::kernels
