#include "script/script_module_handle.h"

#include <cstdint>
#include <memory>
#include <utility>

namespace semisup {
namespace {

int64_t BytesOf(const torch::jit::Module& module) {
  int64_t bytes = 0;
  for (const auto& tensor : module.parameters()) bytes += tensor.nbytes();
  for (const auto& tensor : module.buffers()) bytes += tensor.nbytes();
  return bytes;
}

}  // namespace

Napi::Object WrapModule(Napi::Env env, torch::jit::Module module, c10::Device device) {
  const auto bytes = BytesOf(module);
  return Wrap(env, std::make_shared<ScriptModule>(std::move(module), device), bytes);
}

}  // namespace semisup
