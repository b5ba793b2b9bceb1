#include "runtime/memory.h"

#include "runtime/environment.h"

namespace semisup {

Napi::Value Memory(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto result = Napi::Object::New(env);
  for (const auto& [kind, usage] : Environment::Of(env).CurrentUsage()) {
    auto entry = Napi::Object::New(env);
    entry.Set("count", static_cast<double>(usage.count));
    entry.Set("bytes", static_cast<double>(usage.bytes));
    result.Set(kind, entry);
  }
  return result;
}

}  // namespace semisup
