#include "threads/team.h"

#include <chrono>
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace semisup::threads {
namespace {

void Pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
  asm volatile("isb" ::: "memory");
#else
  std::this_thread::yield();
#endif
}

// Waits for a short time until `is_done()`. Returns its last result.
template <class IsDone>
bool Spin(const IsDone& is_done) {
  // Longer than the gaps between the layers of a network.
  constexpr std::chrono::microseconds kPatience{200};
  constexpr int kPausesPerCheck = 64;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  do {
    for (int i = 0; i < kPausesPerCheck; i++) {
      if (is_done()) return true;
      Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return is_done();
}

}  // namespace

// A thread that spins on a core which another one needs delays that one.
Team::Team(int64_t workers)
    : spins_(workers < static_cast<int64_t>(std::thread::hardware_concurrency())) {
  try {
    for (int64_t i = 1; i <= workers; i++) workers_.emplace_back([this, i] { Work(i); });
  } catch (...) {
    End();
    throw;
  }
}

Team::~Team() { End(); }

void Team::End() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    starts_++;
  }
  started_.notify_all();
  for (auto& worker : workers_) worker.join();
  workers_.clear();
}

// The counters and the flags of sleeping threads are sequentially consistent: of the thread that is
// about to sleep and the one that is about to look for sleeping threads, one sees what the other
// has written.
void Team::Run(int64_t threads, kernels::ParallelFunction run, void* context) {
  region_ = {run, context, threads};
  running_ = workers();
  starts_++;
  if (sleeping_workers_ > 0) {
    // Not between a worker's check and its sleep.
    {
      const std::lock_guard lock(mutex_);
    }
    started_.notify_all();
  }
  run(context, 0, threads);
  const auto is_finished = [this] { return running_ == 0; };
  if (spins_ && Spin(is_finished)) return;
  std::unique_lock lock(mutex_);
  is_caller_sleeping_ = true;
  finished_.wait(lock, is_finished);
  is_caller_sleeping_ = false;
}

void Team::Work(int64_t thread) {
  uint64_t seen = 0;
  const auto has_started = [&] { return starts_ != seen; };
  for (;;) {
    if (!spins_ || !Spin(has_started)) {
      std::unique_lock lock(mutex_);
      sleeping_workers_++;
      started_.wait(lock, has_started);
      sleeping_workers_--;
    }
    // No other region starts before this thread has finished this one.
    seen++;
    if (is_ending_) return;
    const auto [run, context, threads] = region_;
    if (thread < threads) run(context, thread, threads);
    if (--running_ == 0 && is_caller_sleeping_) {
      {
        const std::lock_guard lock(mutex_);
      }
      finished_.notify_one();
    }
  }
}

}  // namespace semisup::threads
