#include "loader/exit_guard.h"

#include <utility>

namespace {

// The guards of this thread. Trivially destructible, because a guard may be destroyed after the
// thread-local objects.
thread_local ExitGuard* first_guard = nullptr;

}  // namespace

struct ThreadExit {
  ~ThreadExit() {
    for (auto* guard = first_guard; guard; guard = guard->next_) guard->on_exit_();
  }
};

ExitGuard::ExitGuard(std::function<void()> on_exit)
    : on_exit_(std::move(on_exit)), next_(first_guard) {
#ifndef _WIN32
  // Its destructor is registered when control first passes here.
  static thread_local ThreadExit thread_exit;
  static_cast<void>(thread_exit);
#endif
  if (next_) next_->previous_ = this;
  first_guard = this;
}

ExitGuard::~ExitGuard() {
  (previous_ ? previous_->next_ : first_guard) = next_;
  if (next_) next_->previous_ = previous_;
}
