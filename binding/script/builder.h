#pragma once
#include <napi.h>

namespace semisup {

// Builds a TorchScript module from a description (ModuleSpec in src/types.ts). Its
// parameters and buffers are zero until FillTensor fills them.
Napi::Value CreateModule(const Napi::CallbackInfo& info);
Napi::Value FillTensor(const Napi::CallbackInfo& info);

}  // namespace semisup
