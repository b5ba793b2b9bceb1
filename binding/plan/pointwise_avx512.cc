#include "fetch.h"
#include "multiply_avx512.h"
#include "pointwise_kernels.h"

namespace semisup::plan {
namespace {

constexpr int kLanes = kPointwisePanel / kLane;
// Inputs at a time: a panel of so many stays in the second cache.
constexpr int64_t kMostDepth = 512;

template <class Weight>
void MultiplyPixels(const PixelBlock<Weight>& block) {
  const auto& [images, weight, inputs, outputs, pixels, part] = block;
  const int64_t strips = CeilOf(pixels.count, MostRows(kLanes));
  const int64_t depths = CeilOf(inputs, kMostDepth);
  for (int64_t o = part.first; o < part.first + part.count; o += kPointwisePanel) {
    for (int64_t d = 0; d < depths; d++) {
      const auto depth = ShareOf(inputs, d, depths);
      const Weight* panel = weight + o * inputs + depth.first * kPointwisePanel;
      const Weight* next = panel + depth.count * kPointwisePanel;
      for (int64_t s = 0; s < strips; s++) {
        const auto strip = ShareOf(pixels.count, s, strips);
        const int64_t pixel = pixels.first + strip.first;
        float* to = images.output + pixel * outputs + o;
        if (d == 0) {
          FetchNextStrip(images.output + pixels.first * outputs + o, pixels.count, outputs,
                         kPointwisePanel, s, strips);
        }
        // Between the depths the sums lie in the output.
        const float* other = images.other ? images.other + pixel * outputs + o : nullptr;
        const float* bias = images.bias ? images.bias + o : nullptr;
        const Around around{.bias = d == 0 ? bias : nullptr,
                            .sums = d == 0 ? other : to,
                            .rectify = images.rectify && d == depths - 1};
        kMultipliers<kLanes, Weight>[strip.count - 1](
            {images.input + pixel * inputs + depth.first, inputs},
            PanelOf<kLanes>(panel, depth.count, 1, next, s, strips), {to, outputs}, around);
      }
    }
  }
}

}  // namespace

void MultiplyPixelsAvx512(const PixelBlock<float>& block) { MultiplyPixels(block); }
void MultiplyPixelsAvx512(const PixelBlock<BFloat16>& block) { MultiplyPixels(block); }

}  // namespace semisup::plan
