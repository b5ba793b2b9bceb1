#pragma once
#include <napi.h>

#include <memory>

#include "gpu/gpu.h"

namespace semisup {

struct GpuDevice {
  static constexpr const char* kName = "GpuDevice";
  static constexpr napi_type_tag kTag = {0x2b7c9d1e6f304a85, 0x9e41d07b5c2f8a63};
  std::shared_ptr<gpu::Gpu> gpu;
};

// A GPU by a library that answers for it (gpu/gpu.h).
Napi::Value OpenGpu(const Napi::CallbackInfo& info);
Napi::Value OpenGpuSync(const Napi::CallbackInfo& info);
Napi::Value PlanOnGpu(const Napi::CallbackInfo& info);

}  // namespace semisup
