#pragma once
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

#include "slices.h"

namespace semisup::plan {

// A maximum over square windows.
struct Pooling {
  int64_t kernel;
  int64_t stride;
  int64_t padding;

  // How many windows there are along a side. Throws where it is too short for one.
  int64_t CountOf(int64_t side) const;
  // The pixels along a side that some windows reach to.
  Slice ReachOf(const Slice& windows, int64_t side) const {
    const int64_t first = std::max<int64_t>(0, windows.first * stride - padding);
    const int64_t last = (windows.first + windows.count - 1) * stride - padding + kernel;
    return {first, std::min(side, last) - first};
  }
};

// Whether images of a dtype are taken here: float32, or bytes, which LibTorch's own does not take
// where images are as large as these.
bool CanPool(at::ScalarType dtype);

// [n, c, h, w], channels-last. What is no number counts as the largest, as in LibTorch.
at::Tensor MaxPool(const at::Tensor& images, const Pooling& pooling);

// The same for some `rows` of windows of one image, of which `pixels` has those that they reach to.
// T is float or uint8_t.
template <class T>
void MaxPoolRows(const T* pixels, int64_t height, int64_t width, int64_t channels,
                 const Pooling& pooling, const Slice& rows, T* pooled);

// The means of all pixels of images of such a dtype, [n, c, 1, 1] of float32.
at::Tensor MeanOfPixels(const at::Tensor& images);

}  // namespace semisup::plan
