#pragma once
#include <napi.h>

#include "runtime/environment.h"

namespace semisup {

// Makes memory() list the kinds of this folder that have no handles, even while there are none.
void DeclareUsageKinds(Environment& environment);

Napi::Value PlanMethod(const Napi::CallbackInfo& info);
Napi::Value SelectAlgorithms(const Napi::CallbackInfo& info);
Napi::Value TunePlan(const Napi::CallbackInfo& info);
Napi::Value ComparePlan(const Napi::CallbackInfo& info);

}  // namespace semisup
