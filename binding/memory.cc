#include "memory.h"

#include "environment.h"

namespace semisup {

Napi::Value Memory(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto answer = Napi::Object::New(env);
  for (const auto& [kind, usage] : Environment::Of(env).usage()) {
    auto entry = Napi::Object::New(env);
    entry.Set("count", Napi::Number::New(env, static_cast<double>(usage->count)));
    entry.Set("bytes", Napi::Number::New(env, static_cast<double>(usage->bytes)));
    answer.Set(kind, entry);
  }
  return answer;
}

}  // namespace semisup
