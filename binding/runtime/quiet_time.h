#pragma once
#include <chrono>
#include <cstdint>

#include "runtime/executor.h"

namespace semisup {

// Time in which no executor of normal priority runs a task. What a background task measures in it
// is correct. For a task of normal priority all time is quiet.
class QuietTime {
 public:
  // To be called on a thread of an executor. The functions may be called on all threads of its
  // task.
  QuietTime();

  // Waits for quiet time: shortly, and no longer after a minute, because others may never pause.
  // Returns what HasLasted() needs.
  uint64_t Await() const;
  // Whether it has been quiet since Await() returned `mark`.
  bool HasLasted(uint64_t mark) const;

 private:
  const Executor::CurrentTask task_ = Executor::current_task();
  const std::chrono::steady_clock::time_point end_;
};

}  // namespace semisup
