#pragma once
#include <napi.h>

namespace semisup {

// Plans a method for a GPU. The plan is checked against TorchScript before it is used.
Napi::Value PlanOnGpu(const Napi::CallbackInfo& info);

}  // namespace semisup
