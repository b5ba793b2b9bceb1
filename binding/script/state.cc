#include "script/state.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "runtime/object.h"
#include "script/script_module_handle.h"
#include "script/value.h"

namespace semisup {
namespace {

using NamedValues = std::vector<std::pair<std::string, c10::IValue>>;

// Appends detached tensors: they share the module's memory, but not its shapes and dtypes, which
// the module may change.
template <class List>
void Append(NamedValues& named, const List& list) {
  for (const auto& entry : list) named.emplace_back(entry.name, entry.value.detach());
}

c10::IValue FindAttribute(const torch::jit::Module& module, const std::string& path) {
  c10::IValue value = module._ivalue();
  for (size_t begin = 0, end = 0; begin <= path.size(); begin = end + 1) {
    end = std::min(path.find('.', begin), path.size());
    const auto name = path.substr(begin, end - begin);
    if (!value.isModule() || !value.toModule().hasattr(name)) {
      throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT", "The module has no attribute '" + path + "'.");
    }
    value = value.toModule().attr(name);
  }
  return value;
}

}  // namespace

Napi::Value NamedTensors(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const bool parameters = info[2].ToBoolean();
  const bool buffers = info[3].ToBoolean();
  auto read = [module, parameters, buffers] {
    NamedValues named;
    if (parameters) Append(named, module->module.named_parameters());
    if (buffers) Append(named, module->module.named_buffers());
    return named;
  };
  auto result = [](Napi::Env env, NamedValues&& named) -> Napi::Value {
    auto object = Napi::Object::New(env);
    for (const auto& [name, value] : named) DefineProperty(object, name, FromIValue(env, value));
    return object;
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(read), result);
}

Napi::Value Attribute(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string path = info[2].As<Napi::String>();
  auto read = [module, path] { return Snapshot(FindAttribute(module->module, path)); };
  auto result = [](Napi::Env env, c10::IValue&& value) { return FromIValue(env, value); };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(read), result);
}

}  // namespace semisup
