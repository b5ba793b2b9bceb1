#pragma once
// Micro-tiles of dot products in AMX tiles: eight registers of up to 16 rows of 64 bytes.
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <tuple>
#include <vector>

#include "kernels/direct/output_block.h"
#include "kernels/dot/dot_panel.h"
#include "kernels/dot/dot_tile.h"
#include "kernels/prefetch.h"

namespace semisup::kernels {
namespace {

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileRowBytes = 64;
// The lanes that an instruction multiplies.
constexpr int64_t kStepLanes = kTileRowBytes / kLaneBytes;
// The sums of a row of a tile, the output channels of a panel, and the bytes between the weights of
// its successive lanes.
constexpr int64_t kTileSums = kAvx512Panel.sums;
constexpr int64_t kPanelChannels = kAvx512Panel.channels();
constexpr int64_t kPanelStride = kPanelChannels * kLaneBytes;

// Pixels whose windows are the rows of a tile: `stride` bytes apart. Between the last pixel of an
// image row and the first of the next there are rows of no pixel; the time of an instruction does
// not depend on the number of rows.
struct TilePixels {
  static constexpr int8_t kNone = -1;

  const char* window = nullptr;
  int64_t stride = 0;
  int64_t first_pixel = 0;
  int64_t rows = 0;
  // By row, how many pixels after the first one.
  std::array<int8_t, kTileRows> offsets{};

  int64_t last_pixel() const { return first_pixel + offsets[rows - 1]; }
  bool is_dense() const { return offsets[rows - 1] == rows - 1; }
};

// The windows are in ascending order.
template <class T>
std::vector<TilePixels> SplitIntoTiles(const T* const* windows, int64_t count) {
  const auto address = [&](int64_t pixel) { return reinterpret_cast<const char*>(windows[pixel]); };
  // Of adjacent pixels, where a row of the image has two.
  int64_t stride = count > 1 ? address(1) - address(0) : 1;
  for (int64_t i = 1; i < count; i++)
    stride = std::min<int64_t>(stride, address(i) - address(i - 1));
  std::vector<TilePixels> tiles;
  for (int64_t pixel = 0; pixel < count;) {
    TilePixels tile{.window = address(pixel), .stride = stride, .first_pixel = pixel};
    tile.offsets.fill(TilePixels::kNone);
    for (; pixel < count; pixel++) {
      const int64_t distance = address(pixel) - tile.window;
      // Most rows follow each other; a division would take as long as several vectors.
      const int64_t row = distance == tile.rows * stride ? tile.rows : distance / stride;
      if (row * stride != distance || row >= kTileRows) break;
      tile.offsets[row] = static_cast<int8_t>(pixel - tile.first_pixel);
      tile.rows = row + 1;
    }
    tiles.push_back(tile);
  }
  return tiles;
}

// The operand of LDTILECFG, as the manual of the architecture defines it.
struct alignas(64) TileConfiguration {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfiguration) == 64);

// The registers of a micro-tile: 0 to 3 hold sums of two tiles of pixels by two vectors, 4 and 5
// the pixels, 6 and 7 weights.
inline void Configure(int64_t first_rows, int64_t second_rows) {
  TileConfiguration configuration;
  const std::array<int64_t, 8> rows{first_rows, first_rows,  second_rows, second_rows,
                                    first_rows, second_rows, kTileRows,   kTileRows};
  for (size_t i = 0; i < rows.size(); i++) {
    configuration.rows[i] = static_cast<uint8_t>(rows[i]);
    configuration.row_bytes[i] = static_cast<uint16_t>(rows[i] > 0 ? kTileRowBytes : 0);
  }
  _tile_loadconfig(&configuration);
}

// Copies the last `bytes` bytes of `count` rows, fewer than 64 each, followed by zeros, so that
// nothing beyond is multiplied.
inline void CopyTail(const char* data, int64_t stride, int64_t count, int64_t bytes, char* copy) {
  const auto mask = static_cast<__mmask64>((1ULL << bytes) - 1);
  for (int64_t i = 0; i < count; i++) {
    _mm512_storeu_si512(copy + i * kTileRowBytes, _mm512_maskz_loadu_epi8(mask, data + i * stride));
  }
}

// For one row of the kernel: a tile row for each pixel of two tiles. Of a type of this file's own:
// an inline function of another, compiled for this instruction set, could run on other processors.
struct alignas(kTileRowBytes) Tails {
  // Uninitialized.
  Tails() {}
  char of_tiles[2][kTileRows * kTileRowBytes];
};

// Computes micro-tiles of up to two tiles of pixels and one panel. `Kernel`: as ComputeDotTile()'s,
// with
//   InitialSums(block, channel)  the 32-bit sums to begin with, from `channel` on; null for zeros
//   MultiplyTiles<two>()         register 0 += 4 x 6 and so on; `two`: for both tiles
template <class Kernel>
class AmxTiles {
 public:
  using Block = typename Kernel::Block;
  using Element = typename Kernel::Element;

  explicit AmxTiles(const Block& block)
      : block_(block),
        row_bytes_(block.weights.row_size * static_cast<int64_t>(sizeof(Element))),
        tails_(tail_bytes() > 0 ? block.weights.rows : 0) {}
  ~AmxTiles() { _tile_release(); }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  void Run() {
    const auto& weights = block_.weights;
    const auto& panels = block_.output_block.panels;
    const auto pixels = SplitIntoTiles(block_.output_block.windows, block_.output_block.count);
    const auto tiles = CeilDiv(static_cast<int64_t>(pixels.size()), 2);
    // Weights that stay in the L2 cache are read for each micro-tile again, so that the outputs are
    // written in their order: a few cache lines of each pixel in turns are slow. Others are read
    // once.
    const bool is_by_tiles =
        panels.count * weights.panel_size() * static_cast<int64_t>(sizeof(*weights.panels)) <=
        kMaxCachedWeights;
    for (int64_t i = 0; i < tiles * panels.count; i++) {
      const int64_t t = is_by_tiles ? i / panels.count : i % tiles;
      const int64_t p = panels.first + (is_by_tiles ? i % panels.count : i / tiles);
      RunTile(p, pixels, t, is_by_tiles ? 0 : tiles);
    }
  }

 private:
  using Pixels = std::vector<TilePixels>;

  // `tiles`: how many micro-tiles share the work of prefetching the next panel; 0 for none.
  void RunTile(int64_t p, const Pixels& pixels, int64_t t, int64_t tiles) {
    static const TilePixels kEmpty{};
    const auto at = [&](int64_t i) -> const TilePixels& {
      return i < static_cast<int64_t>(pixels.size()) ? pixels[i] : kEmpty;
    };
    const auto& first = at(2 * t);
    const auto& second = at(2 * t + 1);
    if (first.rows != configured_[0] || second.rows != configured_[1]) {
      configured_ = {first.rows, second.rows};
      Configure(first.rows, second.rows);
    }
    if (tail_bytes() > 0) {
      CopyTails(first, 0);
      CopyTails(second, 1);
    }
    if (tiles > 0) {
      PrefetchOutput(p, at(2 * t + 2), at(2 * t + 3));
    } else if (p + 1 < block_.output_block.panels.first + block_.output_block.panels.count) {
      PrefetchOutput(p + 1, first, second);
    }
    const char* panel =
        reinterpret_cast<const char*>(block_.weights.panels + p * block_.weights.panel_size());
    for (int64_t half = 0; half < 2; half++) {
      if (second.rows > 0) {
        ComputeSums<true>(p, half, panel, first, second, 2 * t + half, 2 * tiles);
      } else {
        ComputeSums<false>(p, half, panel, first, second, 2 * t + half, 2 * tiles);
      }
    }
    FinishTile(p, first, 0);
    FinishTile(p, second, first.rows);
  }

  // Stores the outputs of a tile of pixels, whose sums begin at `row`.
  void FinishTile(int64_t p, const TilePixels& tile, int64_t row) {
    if (tile.rows == 0) return;
    const auto corner_of = [&](int64_t i) {
      return DotCorner{.pixel = tile.first_pixel + tile.offsets[i], .channel = p * kPanelChannels};
    };
    int64_t i = 0;
    for (; tile.is_dense() && i + kFinished <= tile.rows; i += kFinished) {
      Finish<kFinished>(corner_of(i), row + i);
    }
    for (; i < tile.rows; i++) {
      if (tile.offsets[i] != TilePixels::kNone) Finish<1>(corner_of(i), row + i);
    }
  }

  int64_t tail_bytes() const { return row_bytes_ % kTileRowBytes; }
  int64_t row_stride() const {
    return block_.output_block.row_stride * static_cast<int64_t>(sizeof(Element));
  }

  // Of the pixels of two tiles, which follow each other.
  [[gnu::always_inline]]
  void PrefetchOutput(int64_t p, const TilePixels& first, const TilePixels& second) const {
    if (first.rows == 0) return;
    const auto& output = block_.output_block;
    const int64_t at = first.first_pixel * output.output_channels + p * kPanelChannels;
    const int64_t count = (second.rows > 0 ? second : first).last_pixel() + 1 - first.first_pixel;
    PrefetchRows<Cache::kL1>(output.output + at, count, output.output_channels, kPanelChannels);
    if (!output.residual || output.residual == output.output) return;
    PrefetchRows<Cache::kL1>(output.residual + at, count, output.output_channels, kPanelChannels);
  }

  // The tails of all rows of the windows of the first (0) or the second (1) tile.
  void CopyTails(const TilePixels& tile, int64_t index) {
    const char* tail = tile.window + row_bytes_ - tail_bytes();
    for (int64_t row = 0; row < block_.weights.rows; row++) {
      CopyTail(tail + row * row_stride(), tile.stride, tile.rows, tail_bytes(),
               tails_[row].of_tiles[index]);
    }
    // The compiler does not know that instructions on tiles read the copies.
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  template <bool two>
  static void LoadInitialSums(const void* sums) {
    if (!sums) {
      _tile_zero(0);
      _tile_zero(1);
      if constexpr (two) {
        _tile_zero(2);
        _tile_zero(3);
      }
      return;
    }
    // All rows are the same.
    const char* next = static_cast<const char*>(sums) + kTileRowBytes;
    _tile_loadd(0, sums, 0);
    _tile_loadd(1, next, 0);
    if constexpr (two) {
      _tile_loadd(2, sums, 0);
      _tile_loadd(3, next, 0);
    }
  }

  // The sums of half of the panel. `share` of `shares`: which part of the next panel to prefetch.
  template <bool two>
  void ComputeSums(int64_t p, int64_t half, const char* panel, const TilePixels& first,
                   const TilePixels& second, int64_t share, int64_t shares) {
    const auto weights = block_.weights;
    const int64_t steps = row_bytes_ / kTileRowBytes;
    // Each step reads a sixteenth of the panel's lanes.
    const int64_t lines = shares == 0 ? 0 : CeilDiv(kStepLanes * kAvx512Panel.vectors, shares);
    const char* prefetch =
        panel + weights.rows * weights.lanes() * kPanelStride +
        share * lines * kCacheLineBytes * CeilDiv(weights.lanes(), kStepLanes) * weights.rows;
    const int64_t column = half * 2 * kTileSums;
    LoadInitialSums<two>(Kernel::InitialSums(block_, p * kPanelChannels + column));
    const char* b = panel + column * kLaneBytes;
    const char* a_first = first.window;
    const char* a_second = second.window;
    const auto step = [&](const char* one, int64_t one_stride, const char* other,
                          int64_t other_stride) {
      // Each weight is used once before it leaves the L1 cache, in which the pixels should stay.
      _tile_stream_loadd(6, b, kPanelStride);
      _tile_loadd(4, one, one_stride);
      _tile_stream_loadd(7, b + kCacheLineBytes, kPanelStride);
      if constexpr (two) _tile_loadd(5, other, other_stride);
      Kernel::template MultiplyTiles<two>();
      for (int64_t line = 0; line < lines; line++) {
        _mm_prefetch(prefetch, _MM_HINT_T1);
        prefetch += kCacheLineBytes;
      }
    };
    for (int64_t row = 0; row < weights.rows; row++) {
      for (int64_t k = 0; k < steps; k++) {
        const int64_t at = k * kTileRowBytes;
        step(a_first + at, first.stride, a_second + at, second.stride);
        b += kStepLanes * kPanelStride;
      }
      if (tail_bytes() > 0) {
        const auto& tails = tails_[row].of_tiles;
        step(tails[0], kTileRowBytes, tails[1], kTileRowBytes);
        b += CeilDiv(tail_bytes(), kLaneBytes) * kPanelStride;
      }
      a_first += row_stride();
      if constexpr (two) a_second += row_stride();
    }
    int32_t* sums = sums_ + column;
    _tile_stored(0, sums, kPanelStride);
    _tile_stored(1, sums + kTileSums, kPanelStride);
    if constexpr (two) {
      _tile_stored(2, sums + first.rows * kPanelChannels, kPanelStride);
      _tile_stored(3, sums + first.rows * kPanelChannels + kTileSums, kPanelStride);
    }
  }

  template <int pixels>
  [[gnu::flatten]]
  void Finish(const DotCorner& corner, int64_t pixel) {
    constexpr int kVectors = static_cast<int>(kAvx512Panel.vectors);
    typename Kernel::Sum sums[pixels][kVectors];
    Unroll<pixels>([&](auto i) {
      Unroll<kVectors>([&](auto j) {
        std::memcpy(&sums[i][j], sums_ + (pixel + i) * kPanelChannels + j * kTileSums,
                    sizeof(sums[i][j]));
      });
    });
    Kernel::template Finish<pixels>(block_, corner, sums);
  }

  static constexpr int64_t kMaxCachedWeights = 1 << 20;
  // The pixels that are finished at a time, in registers.
  static constexpr int kFinished = 4;

  const Block& block_;
  std::array<int64_t, 2> configured_{-1, -1};
  alignas(64) int32_t sums_[2 * kTileRows * kPanelChannels];
  // The bytes of a row of the kernel, and copies of the last of them if they do not fill a step.
  int64_t row_bytes_;
  std::vector<Tails> tails_;
};

}  // namespace
}  // namespace semisup::kernels
