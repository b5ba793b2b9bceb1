#pragma once
#include <napi.h>

namespace semisup {

Napi::Value LoadModule(const Napi::CallbackInfo& info);
Napi::Value LoadModuleSync(const Napi::CallbackInfo& info);
Napi::Value SaveModule(const Napi::CallbackInfo& info);
Napi::Value ConvertModule(const Napi::CallbackInfo& info);

}  // namespace semisup
