#pragma once
#include <napi.h>

namespace semisup {

// Calls of a module's methods, and what they take and give.
Napi::Value DescribeMethods(const Napi::CallbackInfo& info);
Napi::Value CallMethod(const Napi::CallbackInfo& info);
Napi::Value CallMethodSync(const Napi::CallbackInfo& info);
Napi::Value MethodGraph(const Napi::CallbackInfo& info);

}  // namespace semisup
