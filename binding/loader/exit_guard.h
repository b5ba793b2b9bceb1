#pragma once
#include <functional>

// Calls a function if the thread that created the guard calls exit() or ends while the guard
// exists. exit() destroys the thread-local objects of its thread first, and only then the static
// objects of the libraries. Neither process.reallyExit() nor an 'exit' listener that throws or
// calls process.exit() prevents this, whereas all three skip 'exit' listeners. Create and destroy a
// guard on the same thread.
//
// Does nothing on Windows, where all other threads have been terminated by then: there the addons
// need an 'exit' listener.
class ExitGuard {
 public:
  explicit ExitGuard(std::function<void()> on_exit);
  ~ExitGuard();
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;

 private:
  friend struct ThreadExit;
  std::function<void()> on_exit_;
  ExitGuard* previous_ = nullptr;
  ExitGuard* next_ = nullptr;
};
