#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include "runtime/handle.h"

namespace semisup {

struct Tensor {
  at::Tensor tensor;
};

template <>
struct HandleTraits<Tensor> {
  static constexpr const char* kName = "Tensor";
  static constexpr napi_type_tag kTag = {0x2f6b9d0e5a7c4431, 0xa1c3e5f708192b3d};
};

// Throws ERR_SEMISUP_TENSOR_UNSUPPORTED for a layout or dtype that JavaScript cannot read.
Napi::Object WrapTensor(Napi::Env env, at::Tensor tensor);
// Whether a value is the handle of a Tensor or a HostTensor.
bool IsTensor(Napi::Value handle);
// The tensor of either handle. That of a HostTensor shares its memory.
at::Tensor TensorOf(Napi::Value handle);

Napi::Value DescribeTensor(const Napi::CallbackInfo& info);
Napi::Value ReadTensor(const Napi::CallbackInfo& info);
Napi::Value ConvertTensor(const Napi::CallbackInfo& info);
// Copies the tensor to another device, on an executor's thread.
Napi::Value MoveTensor(const Napi::CallbackInfo& info);
Napi::Value ReshapeTensor(const Napi::CallbackInfo& info);
// The first and last entries of each long dimension, for a printed summary.
Napi::Value SummarizeTensor(const Napi::CallbackInfo& info);
// The handle of a HostTensor, which shares the memory of a dense tensor on the CPU.
Napi::Value ToHostTensor(const Napi::CallbackInfo& info);
Napi::Value DisposeTensor(const Napi::CallbackInfo& info);

}  // namespace semisup
