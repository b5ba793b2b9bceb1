#pragma once
#include <atomic>
#include <cstdint>

#include "runtime/executor.h"

namespace semisup {

// Time in which no executor of normal priority runs a task. What a background task measures in it
// is correct. For a task of normal priority all time is quiet.
class QuietTime {
 public:
  // To be called on a thread of an executor. The functions may be called on all threads of its
  // task.
  QuietTime() = default;

  // Waits for quiet time: shortly, and for a limited time in total, because others may never pause.
  // Returns what HasLasted() needs.
  uint64_t Await();
  // Whether it has been quiet since Await() returned `mark`.
  bool HasLasted(uint64_t mark) const;
  // The time that was spent in Await(), in seconds.
  double waited() const;

 private:
  const Executor::CurrentTask task_ = Executor::current_task();
  std::atomic<int64_t> waited_ms_ = 0;
};

}  // namespace semisup
