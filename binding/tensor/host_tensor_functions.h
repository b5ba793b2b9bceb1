#pragma once
#include <napi.h>

// The functions of BaseNative (src/runtime/native.ts) for tensors without LibTorch.
namespace semisup::host {

Napi::Value CreateTensor(const Napi::CallbackInfo& info);
Napi::Value DescribeTensor(const Napi::CallbackInfo& info);
Napi::Value ReadTensor(const Napi::CallbackInfo& info);
// Shares the memory.
Napi::Value ReshapeTensor(const Napi::CallbackInfo& info);
// The first and last entries of each long dimension, for a printed summary.
Napi::Value SummarizeTensor(const Napi::CallbackInfo& info);
// The handle itself.
Napi::Value ToHostTensor(const Napi::CallbackInfo& info);
Napi::Value DisposeTensor(const Napi::CallbackInfo& info);

}  // namespace semisup::host
