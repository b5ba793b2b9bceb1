#include "multiply_avx512.h"
#include "pointwise_kernels.h"

namespace semisup::plan {
namespace {

constexpr int kLanes = kPointwisePanel / kLane;
// Inputs at a time: a panel of so many stays in the second cache.
constexpr int64_t kMostDepth = 512;
// How many lines a panel has for each of its depth, each of which another strip fetches.
constexpr int64_t kFetches = kLanes;

}  // namespace

void MultiplyPixelsAvx512(const PixelBlock& block) {
  const auto& [images, weight, inputs, outputs, pixels, part] = block;
  const int64_t strips = CeilOf(pixels.count, MostRows(kLanes));
  const int64_t depths = CeilOf(inputs, kMostDepth);
  for (int64_t o = part.first; o < part.first + part.count; o += kPointwisePanel) {
    for (int64_t d = 0; d < depths; d++) {
      const auto depth = ShareOf(inputs, d, depths);
      const float* panel = weight + o * inputs + depth.first * kPointwisePanel;
      const float* next = panel + depth.count * kPointwisePanel;
      for (int64_t s = 0; s < strips; s++) {
        const auto strip = ShareOf(pixels.count, s, strips);
        const int64_t pixel = pixels.first + strip.first;
        float* to = images.output + pixel * outputs + o;
        // Between the depths the sums lie in the output.
        const float* other = images.other ? images.other + pixel * outputs + o : nullptr;
        const float* bias = images.bias ? images.bias + o : nullptr;
        const Around around{.bias = d == 0 ? bias : nullptr,
                            .sums = d == 0 ? other : to,
                            .rectify = images.rectify && d == depths - 1};
        kMultipliers<kLanes>[strip.count - 1](
            {images.input + pixel * inputs + depth.first, inputs},
            {panel, depth.count, next + s % kFetches * depth.count * kLane}, {to, outputs}, around);
      }
    }
  }
}

}  // namespace semisup::plan
