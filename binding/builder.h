#pragma once
#include <napi.h>

namespace semisup {

// From a description (ModuleSpec in src/torch/native.ts) to a TorchScript module with zeros in it,
// which FillTensor then fills.
Napi::Value CreateModule(const Napi::CallbackInfo& info);
Napi::Value FillTensor(const Napi::CallbackInfo& info);

}  // namespace semisup
