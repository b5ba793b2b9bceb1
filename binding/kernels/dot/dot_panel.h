#pragma once
// Kernels of dot-product instructions, whose elements T are uint8_t (with int8_t weights) or
// BFloat16.
#include <cstdint>

#include "kernels/cpu_features.h"

namespace semisup::kernels {

// An instruction adds to each 32-bit sum the products of one lane: the adjacent elements, four
// bytes or two bfloat16, that occupy as many bits.
constexpr int64_t kLaneBytes = 4;
// The sums of a vector of AVX-512, and of a row of an AMX tile.
constexpr int64_t kSums = 16;
// The vectors of sums of a pixel, and the number of output channels of a packed panel of weights.
constexpr int kDotVectors = 4;
constexpr int64_t kDotPanel = kDotVectors * kSums;

template <class T>
constexpr int64_t kLaneElements = kLaneBytes / static_cast<int64_t>(sizeof(T));

// For each panel: [rows, lanes, kDotPanel, kLaneElements].
template <class Weight>
struct DotWeights {
  const Weight* panels;
  // The rows of the kernel, and the input elements that each covers.
  int64_t rows;
  int64_t row_size;

  // Per row of the kernel; the weights of the last lane are padded with zeros.
  int64_t lanes() const { return (row_size + kLaneElements<Weight> - 1) / kLaneElements<Weight>; }
  int64_t panel_size() const { return rows * lanes() * kDotPanel * kLaneElements<Weight>; }
};

}  // namespace semisup::kernels
