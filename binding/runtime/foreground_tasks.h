#pragma once
#include <cstddef>
#include <cstdint>

namespace semisup {

// The running tasks of all executors, except for those that run in the background. What the latter
// measure is correct only while nothing else computes.
class ForegroundTasks {
 public:
  static void OnStarted();
  static void OnEnded();
  static size_t running();
  // The number of tasks that have started since the process did.
  static uint64_t started();
};

}  // namespace semisup
