#pragma once
#include <cstdint>

#include "processor.h"
#include "slices.h"

namespace semisup::plan {

// Outputs are computed so many at a time; bytes are multiplied four at a time.
constexpr int64_t kBytePanel = 4 * kLane;
constexpr int64_t kFour = 4;

// Where in its panel an output is computed: so the bytes of four lanes, as AVX-512 packs them, are
// in order.
constexpr int64_t PlaceOf(int64_t output) {
  const int64_t lane = output / 4 % 4;
  return output / kBytePanel * kBytePanel + lane * kLane + output % kBytePanel / 16 * 4 +
         output % 4;
}

// A sum that begins with these bits, and is no further from them than kMostExact, is that of the
// float32 kExact + sum: no conversion is needed.
constexpr int32_t kExactBits = 0x4B400000;
constexpr float kExact = 12582912;
constexpr int32_t kMostExact = 1 << 22;

// Weights of bytes: for each panel of outputs [rows, fours, kBytePanel, kFour], by their places.
struct ByteWeights {
  const int8_t* panels;
  // A kernel's rows, and how many fours of weights each has; zeros fill the last up.
  int64_t rows;
  int64_t fours;

  int64_t panel_size() const { return rows * fours * kBytePanel * kFour; }
};

// By the places of outputs: a sum of products that begins with `start` stands for the byte
// sum * factor + offset.
struct ByteScales {
  const int32_t* start;
  const float* factor;
  const float* offset;
  // Whether the bits of sums are those of numbers of float32.
  bool are_floats;
  // How many steps of the output one of what is added is.
  float other;
};

// What the kernel needs to know of a block of pixels.
struct ByteBlock {
  ByteWeights weights;
  ByteScales scales;
  // By pixel of the output, where in the input the bytes for a kernel's first row begin, and how
  // far apart those for its rows lie.
  const uint8_t* const* pixels;
  int64_t count;
  int64_t row_stride;
  // What is added, as the output lies, or null; may be the output itself.
  const uint8_t* other;
  uint8_t* output;
  // How many outputs a pixel has, and which panels of them are computed.
  int64_t outputs;
  Slice panels;
};

// Compiled for processors with AVX-512 and VNNI; to be called on those alone.
void MultiplyBytesVnni(const ByteBlock& block);

}  // namespace semisup::plan
