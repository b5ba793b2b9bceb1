#pragma once
#include <napi.h>

namespace semisup {

// Defines the functions of src/torch/native.ts on the addon's exports. The Environment must exist.
void DefineFunctions(Napi::Env env, Napi::Object exports);

}  // namespace semisup
