#pragma once
#include <napi.h>

#include "gpu/gpu.h"
#include "runtime/handle.h"

namespace semisup {

template <>
struct HandleTraits<gpu::Gpu> {
  static constexpr const char* kName = "Gpu";
  static constexpr napi_type_tag kTag = {0x2b7c9d1e6f304a85, 0x9e41d07b5c2f8a63};
};

// Open a GPU through a backend library (gpu/gpu.h).
Napi::Value OpenGpu(const Napi::CallbackInfo& info);
Napi::Value OpenGpuSync(const Napi::CallbackInfo& info);

}  // namespace semisup
