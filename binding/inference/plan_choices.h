#pragma once
#include <napi.h>

#include "plan/plan.h"

namespace semisup {

// These convert PlanChoices and PlanMeasurements (src/torch/plan-choices.ts).
Napi::Object ChoicesToJs(Napi::Env env, const plan::PlanChoices& choices);
Napi::Object MeasurementsToJs(Napi::Env env, const plan::Measurements& measurements);
plan::PlanChoices ReadChoices(Napi::Object choices);

}  // namespace semisup
