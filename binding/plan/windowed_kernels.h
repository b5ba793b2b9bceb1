#pragma once
#include "processor.h"
#include "slices.h"

namespace semisup::plan {

constexpr int64_t kWindowedPanel = 4 * kLane;

// What the kernels need to know of a block of pixels.
struct WindowedBlock {
  // For each panel of outputs: [rows, run, kWindowedPanel].
  const float* weight;
  // A kernel's rows, and how many numbers of the input each takes, which lie side by side.
  int64_t rows;
  int64_t run;
  // By pixel of the output, where in the input the numbers for a kernel's first row begin, and how
  // far apart those for its rows lie.
  const float* const* starts;
  int64_t count;
  int64_t row_stride;
  // One for each output, or null.
  const float* bias;
  // What is added, as the output lies, or null; may be the output itself.
  const float* other;
  float* output;
  // How many outputs a pixel has, and which panels of them are computed.
  int64_t outputs;
  Slice panels;
  bool rectify;
};

// Compiled for processors with AVX-512; to be called on those alone.
void MultiplyWindowsAvx512(const WindowedBlock& block);

}  // namespace semisup::plan
