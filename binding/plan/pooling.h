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

// Whether MaxPool() takes images of a dtype: float32, or bytes, which LibTorch's own does not take
// where images are as large as these.
bool CanPool(at::ScalarType dtype);

// [n, c, h, w], channels-last. What is no number counts as the largest, as in LibTorch.
at::Tensor MaxPool(const at::Tensor& images, const Pooling& pooling);

}  // namespace semisup::plan
