#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>
#include <torch/csrc/jit/api/module.h>

#include "program/planned_method.h"
#include "runtime/environment.h"

namespace semisup {

// Returns the largest difference between the outputs of a plan and of the method, relative to the
// largest magnitude of the method's: for a single image and for a batch of the preferred size. NaN
// if an output is NaN.
double DifferenceOf(PlannedMethod& plan, const torch::jit::Method& method,
                    const at::Tensor& images);

// Makes memory() list the kinds of this folder that have no handles, even while there are none.
void DeclareUsageKinds(Environment& environment);

Napi::Value PlanMethod(const Napi::CallbackInfo& info);
Napi::Value ChoosePlan(const Napi::CallbackInfo& info);
Napi::Value TunePlan(const Napi::CallbackInfo& info);
Napi::Value ComparePlan(const Napi::CallbackInfo& info);

}  // namespace semisup
