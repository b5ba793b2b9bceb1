#pragma once
// Kernels of dot-product instructions, whose elements T are uint8_t (with int8_t weights) or
// BFloat16.
#include <cstdint>

namespace semisup::kernels {

// An instruction adds to each 32-bit sum the products of one lane: of adjacent elements, which
// occupy as many bits in most instruction sets: four bytes or two bfloat16.
constexpr int64_t kLaneBytes = 4;

// How the output channels of a panel are stored: as vectors of sums.
struct DotPanel {
  int64_t vectors;
  int64_t sums;
  int64_t lane_bytes = kLaneBytes;

  constexpr int64_t channels() const { return vectors * sums; }
  template <class T>
  constexpr int64_t lane_elements() const {
    return lane_bytes / static_cast<int64_t>(sizeof(T));
  }

  // Maps an output channel to its position in the packed panels if bytes are packed from vectors
  // by instructions that work per 128 bits, as packs_epi32 and packus_epi16 do: packing restores
  // the order.
  constexpr int64_t PackedIndex(int64_t output) const {
    constexpr int64_t kQuarter = 4;
    const int64_t vector = output / kQuarter % vectors;
    const int64_t part = output % channels() / (kQuarter * vectors);
    return output / channels() * channels() + vector * sums + part * kQuarter + output % kQuarter;
  }
};

// Those of AVX-512 and AMX.
constexpr DotPanel kAvx512Panel{.vectors = 4, .sums = 16};

// Those of Arm's NEON: of instructions for dot products, and for products of 2 x 2 matrices.
constexpr DotPanel kNeonPanel{.vectors = 4, .sums = 4};
constexpr DotPanel kNeonMatrixPanel{.vectors = 4, .sums = 4, .lane_bytes = 8};

// For each panel: [rows, lanes, panel.channels(), panel.lane_elements()].
template <class Weight>
struct DotWeights {
  const Weight* panels;
  DotPanel panel;
  // The rows of the kernel, and the input elements that each covers.
  int64_t rows;
  int64_t row_size;

  // Per row of the kernel; the weights of the last lane are padded with zeros.
  int64_t lanes() const { return (row_size + lane_elements() - 1) / lane_elements(); }
  int64_t panel_size() const { return rows * lanes() * panel.channels() * lane_elements(); }

 private:
  int64_t lane_elements() const { return panel.template lane_elements<Weight>(); }
};

}  // namespace semisup::kernels
