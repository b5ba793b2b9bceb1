#include "kernels/int8/quantization.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu_features.h"
#include "kernels/direct/input_windows.h"
#include "kernels/parallel.h"

namespace semisup::kernels {
namespace {

constexpr int64_t kGrain = 32 << 10;

// The factor and offset of the affine map; the offset includes 0.5 because conversion truncates.
struct AffineMap {
  explicit AffineMap(const Quantization& quantization)
      : factor(static_cast<float>(1 / quantization.scale)),
        offset(static_cast<float>(quantization.zero_point) + 0.5F) {}

  float factor;
  float offset;
};

// A separate function, so that `output` can be a __restrict parameter: a uint8_t store may
// otherwise alias anything, which prevents vectorization.
SEMISUP_CLONE_FOR_AVX2
void QuantizeValues(const float* values, int64_t count, float factor, float offset,
                    uint8_t* __restrict output) {
  for (int64_t i = 0; i < count; i++) {
    const float value = std::min(std::max(values[i] * factor + offset, 0.0F), 255.0F);
    output[i] = static_cast<uint8_t>(static_cast<int>(value));
  }
}

}  // namespace

Quantization Quantization::ForRange(double min, double max) {
  min = std::min(min, 0.0);
  max = std::max(max, min + 1e-6);
  const double scale = (max - min) / 255;
  return {scale, std::clamp<int64_t>(std::lround(-min / scale), 0, 255)};
}

void Quantize(const float* values, int64_t count, const Quantization& quantization,
              uint8_t* output) {
  const AffineMap map(quantization);
  ParallelFor(count, kGrain, [&](int64_t begin, int64_t end, int64_t) {
    QuantizeValues(values + begin, end - begin, map.factor, map.offset, output + begin);
  });
}

void QuantizeNchw(const float* images, int64_t batch, int64_t channels, int64_t height,
                  int64_t width, const Quantization& quantization, uint8_t* output) {
  const AffineMap map(quantization);
  const int64_t grain = CeilDiv(kGrain, channels * width);
  ParallelFor(batch * height, grain, [&](int64_t begin, int64_t end, int64_t) {
    std::vector<uint8_t> rows(channels * width);
    for (int64_t i = begin; i < end; i++) {
      const float* row = images + (i / height * channels * height + i % height) * width;
      for (int64_t c = 0; c < channels; c++) {
        QuantizeValues(row + c * height * width, width, map.factor, map.offset,
                       rows.data() + c * width);
      }
      InterleaveRow(rows.data(), width, width, channels, output + i * channels * width);
    }
  });
}

void Dequantize(const uint8_t* bytes, int64_t count, const Quantization& quantization,
                float* output) {
  const auto scale = static_cast<float>(quantization.scale);
  const auto zero_point = static_cast<float>(quantization.zero_point);
  ParallelFor(count, kGrain, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t i = begin; i < end; i++) {
      output[i] = (static_cast<float>(bytes[i]) - zero_point) * scale;
    }
  });
}

}  // namespace semisup::kernels
