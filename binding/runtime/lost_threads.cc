#include "runtime/lost_threads.h"

#include <atomic>
#include <cstdlib>

namespace semisup {
namespace {

std::atomic<int> count = 0;

#ifdef __GLIBC__
void LeaveWithStatus(int status, void*) {
  if (count > 0) std::_Exit(status);
}
#else
void Leave() {
  if (count > 0) std::_Exit(EXIT_FAILURE);
}
#endif

// exit() runs what was registered last first, and also what is registered while it runs.
void LeaveOnExit() {
#ifdef __GLIBC__
  on_exit(LeaveWithStatus, nullptr);
#else
  std::atexit(Leave);
#endif
}

}  // namespace

void LostThreads::OnLost() {
  if (count++ == 0) LeaveOnExit();
}

void LostThreads::OnEnded() { count--; }

void LostThreads::OnExit() {
  if (count > 0) LeaveOnExit();
}

}  // namespace semisup
