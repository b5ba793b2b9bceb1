#pragma once
#include <functional>
#ifdef _WIN32
#include <cstdint>
#else
#include <pthread.h>
#endif

namespace semisup {

// Like std::thread, but with a stack of 16 MiB on every system: LibTorch's parser and compiler
// recurse, and other systems than Linux give threads 512 KiB to 1 MiB by default. Only what is used
// takes memory.
class Thread {
 public:
  // Throws std::system_error if the process has too many threads.
  explicit Thread(std::function<void()> run);
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  // The thread must have been joined or detached.
  ~Thread() = default;

  void Join();
  void Detach();

 private:
#ifdef _WIN32
  uintptr_t handle_ = 0;
#else
  pthread_t handle_{};
#endif
};

}  // namespace semisup
