#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "engine/tensor.h"
#include "kernels/buffer.h"

// LibTorch's tensors and the engine's, which share their elements.
namespace semisup::plan {

at::ScalarType ToTorch(engine::DType dtype);
at::Tensor ToTorch(const engine::Tensor& tensor);
std::vector<at::Tensor> ToTorch(const engine::Tensors& tensors);

// Of float32, bfloat16 or uint8.
engine::Tensor FromTorch(const at::Tensor& tensor);

// A copy in float32; empty for an undefined tensor.
kernels::Buffer<float> ToBuffer(const at::Tensor& tensor);

}  // namespace semisup::plan
