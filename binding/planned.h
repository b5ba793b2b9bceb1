#pragma once
#include <napi.h>
#include <torch/csrc/jit/api/module.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "planned_method.h"

namespace semisup {

// What was made or measured, or why there is no plan.
template <class T>
struct Outcome {
  std::string reason;
  T value;
};

// By how much of the largest number what a plan gives differs from what the method gives: for an
// image alone, and for as many as it does together.
double DifferenceOf(PlannedMethod& plan, const torch::jit::Method& method,
                    const at::Tensor& images);

// The plans of a module, by method. Any number of threads may use it.
class Plans {
 public:
  std::shared_ptr<PlannedMethod> Find(const std::string& method) const;
  void Set(const std::string& method, std::shared_ptr<PlannedMethod> plan);
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<PlannedMethod>> plans_;
};

Napi::Value PlanMethod(const Napi::CallbackInfo& info);
Napi::Value ChoosePlan(const Napi::CallbackInfo& info);
Napi::Value TunePlan(const Napi::CallbackInfo& info);
Napi::Value ComparePlan(const Napi::CallbackInfo& info);

}  // namespace semisup
