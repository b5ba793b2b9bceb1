#pragma once
#include <napi.h>

namespace semisup {

// Call a module's methods and describe their signatures.
Napi::Value DescribeMethods(const Napi::CallbackInfo& info);
Napi::Value CallMethod(const Napi::CallbackInfo& info);
Napi::Value CallMethodSync(const Napi::CallbackInfo& info);
Napi::Value MethodGraph(const Napi::CallbackInfo& info);

}  // namespace semisup
