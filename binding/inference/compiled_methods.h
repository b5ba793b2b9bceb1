#pragma once
#include <napi.h>

#include "engine/network_description.h"
#include "runtime/handle.h"

namespace semisup {

template <>
struct HandleTraits<engine::NetworkDescription> {
  static constexpr const char* kName = "CompiledNetwork";
  static constexpr napi_type_tag kTag = {0x41f7ad2c86e05b93, 0x9a3d5c17f0b8e264};
};

// Plans a method for the CPU by kernels alone, apart from the plan that its calls use, and returns
// the plan as a network, whose output was compared with TorchScript's.
Napi::Value CompileMethod(const Napi::CallbackInfo& info);
// Writes a compiled model.
Napi::Value WriteCompiled(const Napi::CallbackInfo& info);

}  // namespace semisup
