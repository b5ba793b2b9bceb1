#pragma once
#include <napi.h>

#include <exception>

#include "runtime/environment.h"

namespace semisup {

// Wraps each function, because a C++ exception must not propagate into V8.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value CallGuarded(const Napi::CallbackInfo& info) {
  try {
    return function(info);
  } catch (...) {
    throw Environment::Of(info.Env()).ToJsError(std::current_exception());
  }
}

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void Export(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<CallGuarded<function>>(exports.Env(), name));
}

}  // namespace semisup
