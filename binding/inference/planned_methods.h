#pragma once
#include <napi.h>

#include "runtime/environment.h"

namespace semisup {

// Registers the kinds of object that this directory counts without handles, so that memory() lists
// them even while there are none.
void DeclareUsageKinds(Environment& environment);

Napi::Value PlanOnCpu(const Napi::CallbackInfo& info);
Napi::Value SelectAlgorithms(const Napi::CallbackInfo& info);
Napi::Value TunePlan(const Napi::CallbackInfo& info);
Napi::Value ComparePlan(const Napi::CallbackInfo& info);

}  // namespace semisup
