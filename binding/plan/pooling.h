#pragma once
#include <ATen/core/Tensor.h>

#include "kernels/pooling/average_pool.h"
#include "kernels/pooling/max_pool.h"

// Pools images [n, c, h, w] with the kernels.
namespace semisup::plan {

// Whether the kernels support a dtype: float32, bfloat16, and uint8, which LibTorch's max pooling
// supports for small images only.
bool SupportsPooling(at::ScalarType dtype);

at::Tensor RunMaxPool(const at::Tensor& images, const kernels::MaxPool& pool);

// Of float32 images. Requires kernels::ActiveKernels().
at::Tensor RunAveragePool(const at::Tensor& images, const kernels::AveragePool& pool);

// Returns [n, c, 1, 1]: float32 for uint8, otherwise of the same dtype.
at::Tensor RunGlobalAveragePool(const at::Tensor& images);

}  // namespace semisup::plan
