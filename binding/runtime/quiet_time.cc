#include "runtime/quiet_time.h"

#include <chrono>
#include <thread>

#include "runtime/foreground_tasks.h"

namespace semisup {
namespace {

constexpr std::chrono::milliseconds kPollInterval{1};
constexpr int64_t kMaxWaitMs = 200;
constexpr int64_t kMaxTotalWaitMs = 60'000;

}  // namespace

uint64_t QuietTime::Await() {
  if (task_.priority == Priority::kNormal) return 0;
  for (int64_t i = 0; i < kMaxWaitMs && waited_ms_ < kMaxTotalWaitMs; i++) {
    if (ForegroundTasks::running() == 0 || task_.IsCanceled()) break;
    std::this_thread::sleep_for(kPollInterval);
    waited_ms_ += kPollInterval.count();
  }
  return ForegroundTasks::started();
}

bool QuietTime::HasLasted(uint64_t mark) const {
  if (task_.priority == Priority::kNormal) return true;
  // In this order: a task that starts in between is seen by one of them.
  return ForegroundTasks::running() == 0 && ForegroundTasks::started() == mark;
}

double QuietTime::waited() const { return 1e-3 * static_cast<double>(waited_ms_); }

}  // namespace semisup
