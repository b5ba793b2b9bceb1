#pragma once
#include <c10/core/Device.h>
#include <napi.h>
#include <torch/csrc/jit/api/module.h>

#include <atomic>
#include <utility>

#include "planned.h"

namespace semisup {

struct ScriptModule {
  static constexpr const char* kName = "ScriptModule";
  static constexpr napi_type_tag kTag = {0x5e8a1c7d93b24f60, 0xb7d2f4061a3c5e79};
  ScriptModule(torch::jit::Module loaded, c10::Device place)
      : module(std::move(loaded)), device(place) {}
  torch::jit::Module module;
  // Where its weights lie.
  std::atomic<c10::Device> device;
  Plans plans;
};

Napi::Object WrapModule(Napi::Env env, torch::jit::Module module, c10::Device device);

Napi::Value LoadModule(const Napi::CallbackInfo& info);
Napi::Value LoadModuleSync(const Napi::CallbackInfo& info);
Napi::Value SaveModule(const Napi::CallbackInfo& info);
Napi::Value ConvertModule(const Napi::CallbackInfo& info);
// Closes the executor; its last job frees the module, because that takes time.
Napi::Value CloseModule(const Napi::CallbackInfo& info);

}  // namespace semisup
