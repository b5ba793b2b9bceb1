#include "kernels/pooling/average_pool.h"

#include <array>
#include <type_traits>

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/cpu_features.h"
#include "kernels/parallel.h"
#include "kernels/pooling/pool_window.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {
namespace {

SEMISUP_CLONE_FOR_AVX2
void Accumulate(const uint8_t* values, int64_t count, int32_t* __restrict sums) {
  for (int64_t i = 0; i < count; i++) sums[i] += values[i];
}

SEMISUP_CLONE_FOR_AVX2
void Accumulate(const float* values, int64_t count, float* __restrict sums) {
  for (int64_t i = 0; i < count; i++) sums[i] += values[i];
}

SEMISUP_CLONE_FOR_AVX2
void Accumulate(const BFloat16* values, int64_t count, float* __restrict sums) {
  for (int64_t i = 0; i < count; i++) sums[i] += ToFloat(values[i]);
}

}  // namespace

template <class T>
void RunGlobalAveragePool(const PoolInput<T>& input, float* means) {
  using Sum = std::conditional_t<std::is_same_v<T, uint8_t>, int32_t, float>;
  constexpr int64_t kMaxChannels = 256;
  const int64_t channels = input.channels;
  const int64_t pixels = input.height * input.width;
  const int64_t parts = CeilDiv(channels, kMaxChannels);
  ParallelFor(input.batch * parts, 1, [&](int64_t begin, int64_t end, int64_t) {
    std::array<Sum, kMaxChannels> sums;
    for (int64_t i = begin; i < end; i++) {
      const auto [first, count] = SplitRange(channels, i % parts, parts);
      const int64_t image = i / parts;
      sums.fill(0);
      for (int64_t pixel = image * pixels; pixel < (image + 1) * pixels; pixel++) {
        Accumulate(input.data + pixel * channels + first, count, sums.data());
      }
      for (int64_t c = 0; c < count; c++) {
        means[image * channels + first + c] =
            static_cast<float>(sums[c]) / static_cast<float>(pixels);
      }
    }
  });
}

void RunAveragePool(const PoolInput<float>& input, const AveragePool& pool, float* output) {
  const auto& kernels = *ActiveKernels();
  const int64_t channels = input.channels;
  const int64_t rows = pool.OutputLength(0, input.height);
  const int64_t columns = pool.OutputLength(1, input.width);
  const int64_t area = pool.kernel[0] * pool.kernel[1];
  ParallelFor(input.batch * rows, 8, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t i = begin; i < end; i++) {
      const auto down = pool.Along(0).InputRange({i % rows, 1}, input.height);
      const float* row =
          input.data + (i / rows * input.height + down.first) * input.width * channels;
      for (int64_t column = 0; column < columns; column++) {
        const auto across = pool.Along(1).InputRange({column, 1}, input.width);
        const int64_t divisor = pool.counts_padding ? area : down.count * across.count;
        kernels.mean_of_window({.pixels = row + across.first * channels,
                                .rows = down.count,
                                .columns = across.count,
                                .row_stride = input.width * channels,
                                .channels = channels},
                               static_cast<float>(divisor),
                               output + (i * columns + column) * channels);
      }
    }
  });
}

template void RunGlobalAveragePool(const PoolInput<float>&, float*);
template void RunGlobalAveragePool(const PoolInput<BFloat16>&, float*);
template void RunGlobalAveragePool(const PoolInput<uint8_t>&, float*);

}  // namespace semisup::kernels
