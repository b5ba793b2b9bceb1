#include "pooling.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

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

template <class T>
void Pool(const at::Tensor& images, const Pooling& pooling, const at::Tensor& pooled) {
  const int64_t channels = images.size(1);
  const int64_t height = images.size(2);
  const int64_t width = images.size(3);
  const int64_t rows = pooled.size(2);
  const int64_t columns = pooled.size(3);
  const T* from = images.const_data_ptr<T>();
  T* to = pooled.data_ptr<T>();
  // First over the rows of a window, then over what is left of its columns.
  const auto pool_row = [&](int64_t image, int64_t row, std::vector<T>& line, T* target) {
    std::fill(line.begin(), line.end(), kLeast<T>);
    std::fill_n(target, columns * channels, kLeast<T>);
    const int64_t top = row * pooling.stride - pooling.padding;
    const int64_t bottom = std::min(height, top + pooling.kernel);
    for (int64_t y = std::max<int64_t>(0, top); y < bottom; y++) {
      RaiseAll(from + (image * height + y) * width * channels, width * channels, line.data());
    }
    for (int64_t column = 0; column < columns; column++) {
      const int64_t left = column * pooling.stride - pooling.padding;
      const int64_t right = std::min(width, left + pooling.kernel);
      for (int64_t x = std::max<int64_t>(0, left); x < right; x++) {
        RaiseAll(line.data() + x * channels, channels, target + column * channels);
      }
    }
  };
  at::parallel_for(0, images.size(0) * rows, 8, [&](int64_t begin, int64_t end) {
    std::vector<T> line(width * channels);
    for (int64_t i = begin; i < end; i++) {
      pool_row(i / rows, i % rows, line, to + i * columns * channels);
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

at::Tensor MaxPool(const at::Tensor& images, const Pooling& pooling) {
  const auto dense = images.contiguous(at::MemoryFormat::ChannelsLast);
  const auto side = [&](int dimension) {
    const int64_t padded = dense.size(dimension) + 2 * pooling.padding;
    TORCH_CHECK(padded >= pooling.kernel, "a maximum over ", pooling.kernel,
                " pixels is larger than a padded image of the shape ", dense.sizes());
    return (padded - pooling.kernel) / pooling.stride + 1;
  };
  const auto pooled = at::empty({dense.size(0), dense.size(1), side(2), side(3)}, dense.options(),
                                at::MemoryFormat::ChannelsLast);
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
