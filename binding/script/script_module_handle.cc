#include "script/script_module_handle.h"

#include <cstdint>
#include <memory>
#include <utility>

namespace semisup {
namespace {

// A sparse tensor counts as 0, because LibTorch does not define its bytes.
int64_t BytesOf(const at::Tensor& tensor) {
  return tensor.layout() == at::kStrided ? static_cast<int64_t>(tensor.nbytes()) : 0;
}

int64_t BytesOf(const torch::jit::Module& module) {
  int64_t bytes = 0;
  for (const auto& tensor : module.parameters()) bytes += BytesOf(tensor);
  for (const auto& tensor : module.buffers()) bytes += BytesOf(tensor);
  return bytes;
}

}  // namespace

Napi::Object WrapModule(Napi::Env env, torch::jit::Module module, c10::Device device) {
  const auto bytes = BytesOf(module);
  return Wrap(env, std::make_shared<ScriptModule>(std::move(module), device), bytes);
}

}  // namespace semisup
