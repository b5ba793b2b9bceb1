#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "program/planned_method.h"

namespace semisup {

// The planned methods of a module, by name. Thread-safe.
class Plans {
 public:
  // Null if the method has no plan.
  std::shared_ptr<PlannedMethod> Find(const std::string& method) const;
  // Replaces the method's plan; null removes it.
  void Set(const std::string& method, std::shared_ptr<PlannedMethod> plan);
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<PlannedMethod>> plans_;
};

}  // namespace semisup
