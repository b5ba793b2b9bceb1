#include "plan/torch_tensor.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace semisup::plan {
namespace {

engine::DType DTypeOf(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kFloat) return engine::DType::kFloat32;
  if (tensor.scalar_type() == at::kBFloat16) return engine::DType::kBFloat16;
  TORCH_CHECK(tensor.scalar_type() == at::kByte, "A step of a plan returned a tensor of the dtype ",
              tensor.dtype(), ".");
  return engine::DType::kUInt8;
}

}  // namespace

at::ScalarType ToTorch(engine::DType dtype) {
  if (dtype == engine::DType::kFloat32) return at::kFloat;
  return dtype == engine::DType::kBFloat16 ? at::kBFloat16 : at::kByte;
}

at::Tensor ToTorch(const engine::Tensor& tensor) {
  return at::from_blob(
      tensor.mutable_bytes(), tensor.sizes(), tensor.strides(),
      [owner = tensor.owner()](void*) mutable { owner.reset(); },
      at::TensorOptions(ToTorch(tensor.dtype())));
}

std::vector<at::Tensor> ToTorch(const engine::Tensors& tensors) {
  std::vector<at::Tensor> converted;
  for (const auto& tensor : tensors) converted.push_back(ToTorch(tensor));
  return converted;
}

engine::Tensor FromTorch(const at::Tensor& tensor) {
  return {std::make_shared<at::Tensor>(tensor), const_cast<void*>(tensor.const_data_ptr()),
          tensor.sizes().vec(), tensor.strides().vec(), DTypeOf(tensor)};
}

kernels::Buffer<float> ToBuffer(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const auto dense = tensor.to(at::kFloat).contiguous();
  kernels::Buffer<float> buffer(dense.numel());
  std::copy_n(dense.const_data_ptr<float>(), dense.numel(), buffer.data());
  return buffer;
}

}  // namespace semisup::plan
