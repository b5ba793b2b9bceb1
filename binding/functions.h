#pragma once
#include <napi.h>

namespace semisup {

// Defines the functions of an addon on its exports: those of src/torch/native.ts or of
// src/compiled/native.ts. The Environment must exist.
void DefineFunctions(Napi::Env env, Napi::Object exports);

}  // namespace semisup
