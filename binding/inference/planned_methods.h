#pragma once
#include <napi.h>

namespace semisup {

Napi::Value PlanOnCpu(const Napi::CallbackInfo& info);
Napi::Value SelectAlgorithms(const Napi::CallbackInfo& info);
Napi::Value TunePlan(const Napi::CallbackInfo& info);
Napi::Value ComparePlan(const Napi::CallbackInfo& info);

}  // namespace semisup
