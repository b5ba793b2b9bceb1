#pragma once
#include <cstdint>

#include "kernels/cpu_features.h"
#include "kernels/direct/output_block.h"

namespace semisup::kernels {

// The int32 sums of a vector of AVX-512.
constexpr int64_t kSums = 16;
// The number of output channels of a packed panel of weights.
constexpr int64_t kInt8PanelChannels = 4 * kSums;
// vpdpbusd adds the dot product of four adjacent bytes, a quad, to each int32 sum of a vector.
constexpr int64_t kQuadBytes = 4;

// Maps an output channel to its position in the packed panels. Channels are permuted so that
// packing four vectors with packs_epi32 and packus_epi16, which work per 128-bit lane, restores
// their order.
constexpr int64_t PackedIndex(int64_t output) {
  constexpr int64_t kVectors = kInt8PanelChannels / kSums;
  constexpr int64_t kLaneSums = 4;
  const int64_t vector = output / kLaneSums % kVectors;
  const int64_t lane = output % kInt8PanelChannels / (kVectors * kLaneSums);
  return output / kInt8PanelChannels * kInt8PanelChannels + vector * kSums + lane * kLaneSums +
         output % kLaneSums;
}

// For converting integers to floats with a magic number: floats in [2^23, 2^24) are 1 apart, so
// adding n, |n| <= kMaxAbsSum, to the bits of 1.5 * 2^23 yields the bits of the float 1.5 * 2^23 +
// n. A sum that is initialized to kFloatBaseBits needs no conversion.
constexpr int32_t kFloatBaseBits = 0x4B400000;
constexpr float kFloatBase = 12582912;
constexpr int32_t kMaxAbsSum = 1 << 22;

// For each panel: [rows, quads, kInt8PanelChannels, kQuadBytes], indexed by PackedIndex().
struct Int8Weights {
  const int8_t* panels;
  // The rows of the kernel, and the quads per row; the last quad of a row is padded with zeros.
  int64_t rows;
  int64_t quads;

  int64_t panel_size() const { return rows * quads * kInt8PanelChannels * kQuadBytes; }
};

// The requantization parameters; the arrays are indexed by PackedIndex():
//   output = saturate(round(sum * scale + offset + residual * residual_scale)),
// where `sum` is initial_sum plus the products.
struct Int8Requantization {
  const int32_t* initial_sum;
  const float* scale;
  const float* offset;
  // See kFloatBaseBits.
  bool sums_are_float_bits;
  // The scale of the residual relative to that of the output.
  float residual_scale;
};

// One unit of work. A thread may run several.
struct Int8Block {
  Int8Weights weights;
  Int8Requantization requantization;
  OutputBlock<uint8_t> output_block;
};

// Requires AVX-512 with VNNI.
void RunInt8BlockVnni(const Int8Block& block);

}  // namespace semisup::kernels
