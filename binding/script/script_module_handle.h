#pragma once
#include <c10/core/Device.h>
#include <napi.h>
#include <torch/csrc/jit/api/module.h>

#include "runtime/handle.h"
#include "script/script_module.h"

namespace semisup {

template <>
struct HandleTraits<ScriptModule> {
  static constexpr const char* kName = "ScriptModule";
  static constexpr napi_type_tag kTag = {0x5e8a1c7d93b24f60, 0xb7d2f4061a3c5e79};
};

Napi::Object WrapModule(Napi::Env env, torch::jit::Module module, c10::Device device);

}  // namespace semisup
