#include "kernels/pooling/max_pool.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/cpu_features.h"
#include "kernels/parallel.h"
#include "kernels/pooling/pool_window.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {
namespace {

// A separate function, so that `maxima` can be a __restrict parameter: a uint8_t store may
// otherwise alias anything, which prevents vectorization.
SEMISUP_CLONE_FOR_AVX2
void UpdateMaxima(const uint8_t* values, int64_t count, uint8_t* __restrict maxima) {
  for (int64_t i = 0; i < count; i++) maxima[i] = std::max(maxima[i], values[i]);
}

template <class T>
void UpdateMaxima(const T* values, int64_t count, T* maxima) {
  for (int64_t i = 0; i < count; i++) {
    const float value = ToFloat(values[i]);
    if (value > ToFloat(maxima[i]) || std::isnan(value)) maxima[i] = values[i];
  }
}

template <class T>
constexpr T kLowest{};
template <>
constexpr float kLowest<float> = -std::numeric_limits<float>::infinity();
template <>
constexpr BFloat16 kLowest<BFloat16>{0xFF80};

template <class T>
void MaxOfWindow(const SimdKernels* kernels, const T* pixels, const HeightWidth& size,
                 int64_t row_stride, int64_t channels, T* maxima) {
  [[maybe_unused]] const PoolWindow<T> window{.pixels = pixels,
                                              .rows = size[0],
                                              .columns = size[1],
                                              .row_stride = row_stride,
                                              .channels = channels};
  if constexpr (std::is_same_v<T, float>) {
    if (kernels) return kernels->max_of_window(window, maxima);
  }
  if constexpr (std::is_same_v<T, BFloat16>) {
    if (kernels) return kernels->max_of_window_bfloat16(window, maxima);
  }
  std::fill_n(maxima, channels, kLowest<T>);
  for (int64_t y = 0; y < size[0]; y++) {
    for (int64_t x = 0; x < size[1]; x++) {
      UpdateMaxima(pixels + y * row_stride + x * channels, channels, maxima);
    }
  }
}

}  // namespace

int64_t MaxPool::OutputLength(int64_t input_length) const {
  const int64_t padded = input_length + 2 * padding;
  if (padded < kernel) {
    throw std::invalid_argument("A pooling kernel of " + std::to_string(kernel) +
                                " pixels is larger than the padded input of " +
                                std::to_string(padded) + " pixels.");
  }
  return (padded - kernel) / stride + 1;
}

template <class T>
void RunMaxPool(const PoolInput<T>& input, const MaxPool& pool, T* output) {
  const int64_t rows = pool.OutputLength(input.height);
  const int64_t input_row = input.width * input.channels;
  const int64_t output_row = pool.OutputLength(input.width) * input.channels;
  ParallelFor(input.batch * rows, 8, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t i = begin; i < end; i++) {
      const Range row{i % rows, 1};
      const int64_t first = i / rows * input.height + pool.InputRange(row, input.height).first;
      MaxPoolRows(input.data + first * input_row, input.height, input.width, input.channels, pool,
                  row, output + i * output_row);
    }
  });
}

template <class T>
void MaxPoolRows(const T* pixels, int64_t height, int64_t width, int64_t channels,
                 const MaxPool& pool, const Range& rows, T* output) {
  const auto* kernels = ActiveKernels();
  const int64_t columns = pool.OutputLength(width);
  const int64_t top = pool.InputRange(rows, height).first;
  for (int64_t row = rows.first; row < rows.first + rows.count; row++) {
    const auto down = pool.InputRange({row, 1}, height);
    const T* first = pixels + (down.first - top) * width * channels;
    for (int64_t column = 0; column < columns; column++) {
      const auto across = pool.InputRange({column, 1}, width);
      MaxOfWindow(kernels, first + across.first * channels, {down.count, across.count},
                  width * channels, channels, output);
      output += channels;
    }
  }
}

template void RunMaxPool(const PoolInput<float>&, const MaxPool&, float*);
template void RunMaxPool(const PoolInput<BFloat16>&, const MaxPool&, BFloat16*);
template void RunMaxPool(const PoolInput<uint8_t>&, const MaxPool&, uint8_t*);
template void MaxPoolRows(const float*, int64_t, int64_t, int64_t, const MaxPool&, const Range&,
                          float*);
template void MaxPoolRows(const BFloat16*, int64_t, int64_t, int64_t, const MaxPool&, const Range&,
                          BFloat16*);
template void MaxPoolRows(const uint8_t*, int64_t, int64_t, int64_t, const MaxPool&, const Range&,
                          uint8_t*);

}  // namespace semisup::kernels
