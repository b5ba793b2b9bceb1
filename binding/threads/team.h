#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/threads.h"

namespace semisup::threads {

// Threads that run the parallel regions of one thread. Between regions that follow each other they
// spin, because a layer takes less time than a sleeping thread takes to wake up.
class Team {
 public:
  // `workers`: the threads besides the calling one. Throws std::system_error if the process has too
  // many threads.
  explicit Team(int64_t workers);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int64_t workers() const { return static_cast<int64_t>(workers_.size()); }
  // Runs a region on up to `threads` threads, with the calling one.
  void Run(int64_t threads, kernels::ParallelFunction run, void* context);

 private:
  struct Region {
    kernels::ParallelFunction run;
    void* context;
    int64_t threads;
  };

  void Work(int64_t thread);
  void End();

  const bool spins_;
  Region region_{};
  // Changes when a region starts, and at the end.
  std::atomic<uint64_t> starts_{0};
  // The workers that have not finished the region.
  std::atomic<int64_t> running_{0};
  std::atomic<int64_t> sleeping_workers_{0};
  std::atomic<bool> is_caller_sleeping_{false};
  std::atomic<bool> is_ending_{false};
  std::mutex mutex_;
  std::condition_variable started_;
  std::condition_variable finished_;
  std::vector<std::thread> workers_;
};

}  // namespace semisup::threads
