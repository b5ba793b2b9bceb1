#pragma once
#include <napi.h>

namespace semisup {

// Rotates features to their principal axes: a basis in which all fits of a regression are solved.
Napi::Value PrincipalAxes(const Napi::CallbackInfo& info);
// Fits a multinomial logistic regression to features on their principal axes.
Napi::Value FitLogisticRegression(const Napi::CallbackInfo& info);

}  // namespace semisup
