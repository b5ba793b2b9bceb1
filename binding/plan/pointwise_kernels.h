#pragma once
#include "kernel.h"
#include "processor.h"
#include "slices.h"

namespace semisup::plan {

// What the kernels need to know of a block of pixels.
template <class Weight>
struct PixelBlock {
  const Images& images;
  // For each panel of outputs: [inputs, kPointwisePanel].
  const Weight* weight;
  int64_t inputs;
  int64_t outputs;
  Slice pixels;
  // Which outputs are computed of them; whole panels.
  Slice part;
};

constexpr int64_t kPointwisePanel = 4 * kLane;

// Compiled for processors with AVX-512; to be called on those alone.
void MultiplyPixelsAvx512(const PixelBlock<float>& block);
void MultiplyPixelsAvx512(const PixelBlock<BFloat16>& block);

}  // namespace semisup::plan
