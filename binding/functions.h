#pragma once
#include <napi.h>

namespace semisup {

// Sets the functions of src/torch/native.ts on the addon's exports.
void DefineFunctions(Napi::Env env, Napi::Object exports);

}  // namespace semisup
