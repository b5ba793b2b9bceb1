#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace semisup::plan {

// A maximum over square windows.
struct Pooling {
  int64_t kernel;
  int64_t stride;
  int64_t padding;
};

// Whether images of a dtype are taken here: float32, or bytes, which LibTorch's own does not take
// where images are as large as these.
bool CanPool(at::ScalarType dtype);

// [n, c, h, w], channels-last. What is no number counts as the largest, as in LibTorch.
at::Tensor MaxPool(const at::Tensor& images, const Pooling& pooling);

// The means of all pixels of images of such a dtype, [n, c, 1, 1] of float32.
at::Tensor MeanOfPixels(const at::Tensor& images);

}  // namespace semisup::plan
