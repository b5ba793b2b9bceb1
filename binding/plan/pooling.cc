#include "pooling.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "pooling_kernels.h"
#include "processor.h"
#include "slices.h"

namespace semisup::plan {
namespace {

// Functions of their own, because a byte that is written may be part of anything but their
// arguments.
SEMISUP_ALSO_AVX2
void RaiseAll(const uint8_t* bytes, int64_t count, uint8_t* __restrict to) {
  for (int64_t i = 0; i < count; i++) to[i] = std::max(to[i], bytes[i]);
}

SEMISUP_ALSO_AVX2
void RaiseAll(const float* numbers, int64_t count, float* __restrict to) {
  for (int64_t i = 0; i < count; i++) {
    const float number = numbers[i];
    // No branch, so that many are compared at a time.
    const bool counts = (number > to[i]) | std::isnan(number);
    to[i] = counts ? number : to[i];
  }
}

SEMISUP_ALSO_AVX2
void AddAll(const uint8_t* bytes, int64_t count, int32_t* __restrict to) {
  for (int64_t i = 0; i < count; i++) to[i] += bytes[i];
}

SEMISUP_ALSO_AVX2
void AddAll(const float* numbers, int64_t count, float* __restrict to) {
  for (int64_t i = 0; i < count; i++) to[i] += numbers[i];
}

template <class T>
constexpr T kLeast = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : 0;

// Of a window of rows and columns.
template <class T>
void MaxOfWindow(const T* pixels, const Sides& sides, int64_t row_stride, int64_t channels, T* to) {
#if defined(__x86_64__)
  if constexpr (std::is_same_v<T, float>) {
    if (HasAvx512()) {
      return MaxOfWindowAvx512({.pixels = pixels,
                                .rows = sides[0],
                                .columns = sides[1],
                                .row_stride = row_stride,
                                .channels = channels},
                               to);
    }
  }
#endif
  std::fill_n(to, channels, kLeast<T>);
  for (int64_t y = 0; y < sides[0]; y++) {
    for (int64_t x = 0; x < sides[1]; x++) {
      RaiseAll(pixels + y * row_stride + x * channels, channels, to);
    }
  }
}

template <class T>
void Pool(const at::Tensor& images, const Pooling& pooling, const at::Tensor& pooled) {
  const int64_t channels = images.size(1);
  const int64_t height = images.size(2);
  const int64_t width = images.size(3);
  const int64_t rows = pooled.size(2);
  const int64_t row_size = pooled.size(3) * channels;
  const T* from = images.const_data_ptr<T>();
  T* to = pooled.data_ptr<T>();
  at::parallel_for(0, images.size(0) * rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const Slice row{i % rows, 1};
      const int64_t first = i / rows * height + pooling.ReachOf(row, height).first;
      MaxPoolRows(from + first * width * channels, height, width, channels, pooling, row,
                  to + i * row_size);
    }
  });
}

template <class T, class Sum>
void Mean(const at::Tensor& images, const at::Tensor& means) {
  constexpr int64_t kMostChannels = 256;
  const int64_t channels = images.size(1);
  const int64_t pixels = images.size(2) * images.size(3);
  const int64_t shares = CeilOf(channels, kMostChannels);
  const T* from = images.const_data_ptr<T>();
  auto* to = means.data_ptr<float>();
  at::parallel_for(0, images.size(0) * shares, 1, [&](int64_t begin, int64_t end) {
    std::array<Sum, kMostChannels> sums;
    for (int64_t i = begin; i < end; i++) {
      const auto [first, count] = ShareOf(channels, i % shares, shares);
      sums.fill(0);
      for (int64_t pixel = i / shares * pixels; pixel < (i / shares + 1) * pixels; pixel++) {
        AddAll(from + pixel * channels + first, count, sums.data());
      }
      for (int64_t c = 0; c < count; c++) {
        to[i / shares * channels + first + c] =
            static_cast<float>(sums[c]) / static_cast<float>(pixels);
      }
    }
  });
}

}  // namespace

bool CanPool(at::ScalarType dtype) { return dtype == at::kFloat || dtype == at::kByte; }

int64_t Pooling::CountOf(int64_t side) const {
  const int64_t padded = side + 2 * padding;
  TORCH_CHECK(padded >= kernel, "a maximum over ", kernel,
              " pixels is larger than a padded image of ", side, " pixels");
  return (padded - kernel) / stride + 1;
}

template <class T>
void MaxPoolRows(const T* pixels, int64_t height, int64_t width, int64_t channels,
                 const Pooling& pooling, const Slice& rows, T* pooled) {
  const int64_t columns = pooling.CountOf(width);
  const int64_t top = pooling.ReachOf(rows, height).first;
  for (int64_t row = rows.first; row < rows.first + rows.count; row++) {
    const auto down = pooling.ReachOf({row, 1}, height);
    const T* first = pixels + (down.first - top) * width * channels;
    for (int64_t column = 0; column < columns; column++) {
      const auto across = pooling.ReachOf({column, 1}, width);
      MaxOfWindow(first + across.first * channels, {down.count, across.count}, width * channels,
                  channels, pooled);
      pooled += channels;
    }
  }
}

template void MaxPoolRows(const float*, int64_t, int64_t, int64_t, const Pooling&, const Slice&,
                          float*);
template void MaxPoolRows(const uint8_t*, int64_t, int64_t, int64_t, const Pooling&, const Slice&,
                          uint8_t*);

at::Tensor MaxPool(const at::Tensor& images, const Pooling& pooling) {
  const auto dense = images.contiguous(at::MemoryFormat::ChannelsLast);
  const auto pooled = at::empty({dense.size(0), dense.size(1), pooling.CountOf(dense.size(2)),
                                 pooling.CountOf(dense.size(3))},
                                dense.options(), at::MemoryFormat::ChannelsLast);
  if (dense.scalar_type() == at::kFloat) {
    Pool<float>(dense, pooling, pooled);
  } else {
    Pool<uint8_t>(dense, pooling, pooled);
  }
  return pooled;
}

at::Tensor MeanOfPixels(const at::Tensor& images) {
  const auto dense = images.contiguous(at::MemoryFormat::ChannelsLast);
  const auto means =
      at::empty({dense.size(0), dense.size(1), 1, 1}, dense.options().dtype(at::kFloat));
  if (dense.scalar_type() == at::kFloat) {
    Mean<float, float>(dense, means);
  } else {
    Mean<uint8_t, int32_t>(dense, means);
  }
  return means;
}

}  // namespace semisup::plan
