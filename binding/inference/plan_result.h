#pragma once
#include <string>

namespace semisup {

// The value of an operation on a plan, or the reason why the method has no plan.
template <class T>
struct PlanResult {
  // Empty on success.
  std::string reason;
  T value;
};

}  // namespace semisup
