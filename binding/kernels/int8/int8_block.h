#pragma once
#include <cstdint>

#include "kernels/cpu_features.h"
#include "kernels/direct/output_block.h"

namespace semisup::kernels {

// Output channels of a packed panel of weights.
constexpr int64_t kInt8Panel = 4 * kVectorWidth;
// vpdpbusd accumulates the dot product of four adjacent bytes into each int32 lane.
constexpr int64_t kQuad = 4;

// Maps an output channel to its position in the packed panels. Channels are permuted so that
// packing four vectors by packs_epi32 and packus_epi16, which work per 128-bit lane, restores
// their order.
constexpr int64_t PackedIndex(int64_t output) {
  const int64_t vector = output / 4 % 4;
  return output / kInt8Panel * kInt8Panel + vector * kVectorWidth + output % kInt8Panel / 16 * 4 +
         output % 4;
}

// Conversion of integers by a magic number: floats in [2^23, 2^24) are 1 apart, so that adding n,
// |n| <= kMaxFloatSum, to the bits of 1.5 * 2^23 yields the bits of the float 1.5 * 2^23 + n. A sum
// that starts with kFloatBaseBits needs no conversion.
constexpr int32_t kFloatBaseBits = 0x4B400000;
constexpr float kFloatBase = 12582912;
constexpr int32_t kMaxFloatSum = 1 << 22;

// For each panel: [rows, quads, kInt8Panel, kQuad], indexed by PackedIndex().
struct Int8Weights {
  const int8_t* panels;
  // The rows of the filter, and the quads per row; the last quad of a row is padded with zeros.
  int64_t rows;
  int64_t quads;

  int64_t panel_size() const { return rows * quads * kInt8Panel * kQuad; }
};

// Requantization, indexed by PackedIndex(): a sum of products that starts with `initial_sum`
// becomes the byte round(sum * factor + offset + residual * residual_factor), saturated.
struct Int8Requantization {
  const int32_t* initial_sum;
  const float* factor;
  const float* offset;
  // See kFloatBaseBits.
  bool sums_are_float_bits;
  // The scale of the residual relative to that of the output.
  float residual_factor;
};

// The work of one thread.
struct Int8Block {
  Int8Weights weights;
  Int8Requantization requantization;
  OutputBlock<uint8_t> outputs;
};

// Requires AVX-512 with VNNI.
void RunInt8BlockVnni(const Int8Block& block);

}  // namespace semisup::kernels
