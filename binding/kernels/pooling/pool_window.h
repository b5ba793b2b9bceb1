#pragma once
#include <cstdint>

namespace semisup::kernels {

// A pooling window of an NHWC image, of float or BFloat16.
template <class T>
struct PoolWindow {
  const T* pixels;
  int64_t rows;
  int64_t columns;
  int64_t row_stride;
  int64_t channels;
};

}  // namespace semisup::kernels
