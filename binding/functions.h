#pragma once
#include <napi.h>

namespace semisup {

// Defines the functions of an addon on its exports: TorchNative of src/torch/native.ts, or
// EngineNative of src/native/native.ts. The Environment must exist.
void DefineFunctions(Napi::Env env, Napi::Object exports);

// Those that both addons have in the same form.
void DefineSharedFunctions(Napi::Env env, Napi::Object exports);

}  // namespace semisup
