#include "memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "environment.h"

namespace semisup {
namespace {

void Set(Napi::Object answer, const std::string& kind, const Usage& usage) {
  auto entry = Napi::Object::New(answer.Env());
  entry.Set("count", static_cast<double>(usage.count));
  entry.Set("bytes", static_cast<double>(usage.bytes));
  answer.Set(kind, entry);
}

}  // namespace

void ReturnFreedMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

Napi::Value Memory(const Napi::CallbackInfo& info) {
  const auto& environment = Environment::Of(info.Env());
  auto answer = Napi::Object::New(info.Env());
  for (const auto& [kind, usage] : environment.usage()) Set(answer, kind, *usage);
  Set(answer, "Arena", environment.arenas());
  return answer;
}

}  // namespace semisup
