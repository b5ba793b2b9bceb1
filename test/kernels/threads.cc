// Parallel regions, by the pool that the test links.
#include "kernels/threads.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "checks.h"
#include "kernels/parallel.h"

using namespace semisup::kernels;

namespace {

// Returns the indices below `count` that ParallelFor() did not visit once, and checks that regions
// inside have one thread.
int64_t WrongVisits(int64_t count, int64_t grain) {
  std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
  ParallelFor(count, grain, [&](int64_t begin, int64_t end, int64_t thread) {
    const bool is_inner_serial = ThreadCount() == 1 || count <= grain;
    for (int64_t i = begin; i < end; i++) visits[i] += is_inner_serial && thread >= 0 ? 1 : 100;
  });
  int64_t wrong = 0;
  for (const auto& visit : visits) wrong += visit != 1;
  return wrong;
}

int64_t WrongRegions() {
  int64_t wrong = 0;
  for (const int64_t threads : {2, 5, 1, 3}) {
    SetThreadCount(threads);
    for (int round = 0; round < 300; round++) wrong += WrongVisits(1 + round % 40, 1);
    // Long enough for the workers to sleep.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    wrong += WrongVisits(37, 4);
    ReleaseThreads();
    wrong += WrongVisits(37, 4);
  }
  return wrong;
}

// Whether the exception of a part reaches the caller, and later regions run.
bool PassesExceptions() {
  SetThreadCount(3);
  for (int64_t thrower = 0; thrower < 3; thrower++) {
    try {
      ParallelFor(3, 1, [&](int64_t begin, int64_t, int64_t) {
        if (begin == thrower) throw std::runtime_error("part");
      });
      return false;
    } catch (const std::runtime_error&) {
    }
    if (WrongVisits(10, 1) > 0) return false;
  }
  return true;
}

}  // namespace

void CheckThreads() {
  int64_t wrong = WrongRegions();
  std::vector<std::thread> callers;
  std::atomic<int64_t> wrong_of_others{0};
  for (int i = 0; i < 3; i++) callers.emplace_back([&] { wrong_of_others += WrongRegions(); });
  for (auto& caller : callers) caller.join();
  Report("parallel regions", static_cast<double>(wrong), 0);
  Report("parallel regions of several threads", static_cast<double>(wrong_of_others), 0);
  Report("exceptions in parallel regions", PassesExceptions() ? 0 : 1, 0);
  SetThreadCount(2);
}
