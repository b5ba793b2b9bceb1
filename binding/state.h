#pragma once
#include <napi.h>

namespace semisup {

// What a module holds, read on its executor, where nothing else changes it meanwhile.
Napi::Value NamedTensors(const Napi::CallbackInfo& info);
Napi::Value Attribute(const Napi::CallbackInfo& info);

}  // namespace semisup
