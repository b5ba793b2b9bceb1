#pragma once
#include <napi.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "plan/plan.h"

namespace semisup {

// The plans of a module, by method. Any number of threads may use it.
class Plans {
 public:
  std::shared_ptr<plan::Plan> Find(const std::string& method) const;
  void Set(const std::string& method, std::shared_ptr<plan::Plan> plan);
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<plan::Plan>> plans_;
};

Napi::Value PlanMethod(const Napi::CallbackInfo& info);
Napi::Value ChoosePlan(const Napi::CallbackInfo& info);
Napi::Value TunePlan(const Napi::CallbackInfo& info);
Napi::Value ComparePlan(const Napi::CallbackInfo& info);

}  // namespace semisup
