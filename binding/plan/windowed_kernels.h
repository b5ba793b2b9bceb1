#pragma once
#include "kernel.h"
#include "processor.h"
#include "slices.h"

namespace semisup::plan {

constexpr int64_t kWindowedPanel = 4 * kLane;

// What the kernels need to know of a block of pixels.
struct WindowedBlock {
  const Images& images;
  // For each panel of outputs: [rows, run, kWindowedPanel].
  const float* weight;
  // A kernel's rows, and how many numbers of the input each takes, which lie side by side.
  int64_t rows;
  int64_t run;
  // Of the output's pixels, where in the input the numbers for a kernel's first row begin, and how
  // far apart those for its rows lie.
  const float* const* starts;
  int64_t row_stride;
  Slice pixels;
  int64_t outputs;
  // Which of the outputs are computed; whole panels.
  Slice part;
};

// Compiled for processors with AVX-512; to be called on those alone.
void MultiplyWindowsAvx512(const WindowedBlock& block);

}  // namespace semisup::plan
