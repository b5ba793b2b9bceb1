#include "runtime/quiet_time.h"

#include <algorithm>
#include <limits>
#include <thread>

#include "runtime/foreground_tasks.h"

namespace semisup {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollInterval{1};
constexpr std::chrono::milliseconds kMaxWait{200};
constexpr std::chrono::minutes kMaxTotalWait{1};
// Of time that was not quiet to begin with.
constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

}  // namespace

QuietTime::QuietTime() : end_(Clock::now() + kMaxTotalWait) {}

uint64_t QuietTime::Await() const {
  if (task_.priority == Priority::kNormal) return 0;
  const auto deadline = std::min(Clock::now() + kMaxWait, end_);
  for (;;) {
    // In this order: a task that starts in between changes the number.
    const auto mark = ForegroundTasks::started();
    if (ForegroundTasks::running() == 0) return mark;
    if (task_.IsCanceled() || Clock::now() >= deadline) return kNever;
    std::this_thread::sleep_for(kPollInterval);
  }
}

bool QuietTime::HasLasted(uint64_t mark) const {
  if (task_.priority == Priority::kNormal) return true;
  return ForegroundTasks::running() == 0 && ForegroundTasks::started() == mark;
}

}  // namespace semisup
