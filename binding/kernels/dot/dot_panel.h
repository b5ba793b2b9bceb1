#pragma once
// Kernels of dot-product instructions, whose elements T are uint8_t (with int8_t weights) or
// BFloat16.
#include <cstdint>

namespace semisup::kernels {

// An instruction adds to each 32-bit sum the products of one lane: the adjacent elements, four
// bytes or two bfloat16, that occupy as many bits.
constexpr int64_t kLaneBytes = 4;

template <class T>
constexpr int64_t kLaneElements = kLaneBytes / static_cast<int64_t>(sizeof(T));

// How the output channels of a panel are stored: as vectors of sums.
struct DotPanel {
  int64_t vectors;
  int64_t sums;

  constexpr int64_t channels() const { return vectors * sums; }

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

// That of Arm's NEON.
constexpr DotPanel kNeonPanel{.vectors = 4, .sums = 4};

// For each panel: [rows, lanes, panel.channels(), kLaneElements].
template <class Weight>
struct DotWeights {
  const Weight* panels;
  DotPanel panel;
  // The rows of the kernel, and the input elements that each covers.
  int64_t rows;
  int64_t row_size;

  // Per row of the kernel; the weights of the last lane are padded with zeros.
  int64_t lanes() const { return (row_size + kLaneElements<Weight> - 1) / kLaneElements<Weight>; }
  int64_t panel_size() const { return rows * lanes() * panel.channels() * kLaneElements<Weight>; }
};

}  // namespace semisup::kernels
