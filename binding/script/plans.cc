#include "script/plans.h"

#include <utility>

namespace semisup {

std::shared_ptr<PlannedMethod> Plans::Find(const std::string& method) const {
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(method);
  return found == plans_.end() ? nullptr : found->second;
}

void Plans::Set(const std::string& method, std::shared_ptr<PlannedMethod> plan) {
  const std::lock_guard lock(mutex_);
  plans_[method] = std::move(plan);
}

void Plans::Clear() {
  const std::lock_guard lock(mutex_);
  plans_.clear();
}

}  // namespace semisup
