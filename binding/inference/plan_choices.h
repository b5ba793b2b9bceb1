#pragma once
#include <napi.h>

#include <utility>

#include "plan/plan.h"

namespace semisup {

// The result of tuning a plan.
using Tuning = std::pair<plan::PlanChoices, plan::Measurements>;

// Sets the properties of PlanTuning (src/torch/native.ts).
void SetTuning(Napi::Object result, const Tuning& tuning);
// PlanChoices of src/native/plan-choices.ts.
plan::PlanChoices ReadChoices(Napi::Object choices);

}  // namespace semisup
