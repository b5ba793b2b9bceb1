#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "kernels/threads.h"
#include "threads/physical_cores.h"
#include "threads/team.h"

namespace semisup::kernels {
namespace {

struct ThreadState {
  int64_t count = DefaultThreadCount();
  bool is_in_region = false;
  std::unique_ptr<threads::Team> team;
};

thread_local ThreadState state;

int64_t ReadDefaultThreadCount() {
  const char* variable = std::getenv("OMP_NUM_THREADS");
  const int64_t count = variable ? std::atoll(variable) : 0;
  return count > 0 ? count : threads::PhysicalCores();
}

struct RegionOf {
  ParallelFunction run;
  void* context;
};

// Runs a thread's part of a region, inside of which other regions have one thread.
void RunPart(void* region_of, int64_t thread, int64_t threads) {
  const auto& region = *static_cast<const RegionOf*>(region_of);
  const bool was_in_region = std::exchange(state.is_in_region, true);
  region.run(region.context, thread, threads);
  state.is_in_region = was_in_region;
}

}  // namespace

int64_t DefaultThreadCount() {
  static const int64_t count = ReadDefaultThreadCount();
  return count;
}

void SetThreadCount(int64_t count) {
  if (count != state.count) ReleaseThreads();
  state.count = count;
}

int64_t ThreadCount() { return state.is_in_region ? 1 : state.count; }

void ReleaseThreads() { state.team.reset(); }

void RunInParallel(int64_t limit, ParallelFunction run, void* context) {
  const int64_t threads = std::min(limit, ThreadCount());
  if (threads <= 1) return run(context, 0, 1);
  if (!state.team) state.team = std::make_unique<threads::Team>(state.count - 1);
  RegionOf region{run, context};
  state.team->Run(threads, &RunPart, &region);
}

}  // namespace semisup::kernels
