#include "runtime/thread.h"

#include <cerrno>
#include <cstddef>
#include <memory>
#include <system_error>
#include <utility>

#ifdef _WIN32
#include <process.h>
#include <windows.h>
#endif

namespace semisup {
namespace {

constexpr size_t kStackBytes = size_t{16} << 20;

using Body = std::function<void()>;

// Owns `body`, the function of a new thread.
void Run(void* body) { (*std::unique_ptr<Body>(static_cast<Body*>(body)))(); }

void Check(int error) {
  if (error != 0) throw std::system_error(error, std::generic_category(), "starting a thread");
}

}  // namespace

#ifdef _WIN32

Thread::Thread(Body run) {
  auto body = std::make_unique<Body>(std::move(run));
  const auto start = [](void* argument) -> unsigned {
    Run(argument);
    return 0;
  };
  handle_ = _beginthreadex(nullptr, kStackBytes, start, body.get(),
                           STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
  if (handle_ == 0) Check(errno);
  static_cast<void>(body.release());
}

void Thread::Join() {
  WaitForSingleObject(reinterpret_cast<HANDLE>(handle_), INFINITE);
  Detach();
}

void Thread::Detach() { CloseHandle(reinterpret_cast<HANDLE>(handle_)); }

#else

Thread::Thread(Body run) {
  auto body = std::make_unique<Body>(std::move(run));
  const auto start = [](void* argument) -> void* {
    Run(argument);
    return nullptr;
  };
  pthread_attr_t attributes;
  Check(pthread_attr_init(&attributes));
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const int error = pthread_create(&handle_, &attributes, start, body.get());
  pthread_attr_destroy(&attributes);
  Check(error);
  static_cast<void>(body.release());
}

void Thread::Join() { pthread_join(handle_, nullptr); }

void Thread::Detach() { pthread_detach(handle_); }

#endif

}  // namespace semisup
