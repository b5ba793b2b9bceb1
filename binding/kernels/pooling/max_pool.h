#pragma once
#include <algorithm>
#include <cstdint>

#include "kernels/partition.h"

namespace semisup::kernels {

// Max pooling over square windows, like torch.nn.MaxPool2d without dilation or ceil_mode.
struct MaxPool {
  int64_t kernel;
  int64_t stride;
  int64_t padding;

  // The output's length along one spatial dimension. Throws std::invalid_argument if no window
  // fits.
  int64_t OutputLength(int64_t input_length) const;
  // The input indices that `windows` cover along one spatial dimension, without those in the
  // padding.
  Range InputRange(const Range& windows, int64_t input_length) const {
    const int64_t first = std::max<int64_t>(0, windows.first * stride - padding);
    const int64_t last = (windows.first + windows.count - 1) * stride - padding + kernel;
    return {first, std::min(input_length, last) - first};
  }
};

// An NHWC batch of float, BFloat16 or uint8_t.
template <class T>
struct PoolInput {
  const T* data;
  int64_t batch;
  int64_t height;
  int64_t width;
  int64_t channels;
};

// Pools a batch. NaN propagates, as in LibTorch.
template <class T>
void RunMaxPool(const PoolInput<T>& input, const MaxPool& pool, T* output);

// Computes output rows `rows` of one image. `pixels` holds only the input rows that they cover.
template <class T>
void MaxPoolRows(const T* pixels, int64_t height, int64_t width, int64_t channels,
                 const MaxPool& pool, const Range& rows, T* output);

}  // namespace semisup::kernels
