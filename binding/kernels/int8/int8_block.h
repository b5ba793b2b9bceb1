#pragma once
#include <cstdint>

#include "kernels/direct/output_block.h"
#include "kernels/dot/dot_panel.h"

namespace semisup::kernels {

// For converting integers to floats with a magic number: floats in [2^23, 2^24) are 1 apart, so
// adding n, |n| <= kMaxAbsSum, to the bits of 1.5 * 2^23 yields the bits of the float 1.5 * 2^23 +
// n. A sum that is initialized to kFloatBaseBits needs no conversion.
constexpr int32_t kFloatBaseBits = 0x4B400000;
constexpr float kFloatBase = 12582912;
constexpr int32_t kMaxAbsSum = 1 << 22;

// The requantization parameters; the arrays are indexed by DotPanel::PackedIndex():
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
  // The output channels of the panels are ordered by DotPanel::PackedIndex().
  DotWeights<int8_t> weights;
  Int8Requantization requantization;
  OutputBlock<uint8_t> output_block;
};

// Each for the instructions in its name.
void RunInt8BlockAmx(const Int8Block& block);
void RunInt8BlockAvx512Vnni(const Int8Block& block);
void RunInt8BlockAvx2Vnni(const Int8Block& block);
void RunInt8BlockAvx2(const Int8Block& block);
void RunInt8BlockNeonDot(const Int8Block& block);
void RunInt8BlockNeonI8mm(const Int8Block& block);

}  // namespace semisup::kernels
