#pragma once
#include <algorithm>
#include <cstdint>
#include <exception>
#include <mutex>

#include "kernels/partition.h"
#include "kernels/threads.h"

namespace semisup::kernels {

// The grain for elementwise work on rows of `columns` elements. For fewer elements, another thread
// takes longer to start than to compute them.
inline int64_t GrainOfRows(int64_t columns) {
  constexpr int64_t kMinElements = 16 << 10;
  return CeilDiv(kMinElements, std::max<int64_t>(columns, 1));
}

// Calls body(begin, end, thread) on sub-ranges of [0, count) in parallel; `thread` is below
// ThreadCount(). Every sub-range except the last has at least `grain` iterations. The first
// exception that a body throws is rethrown on the calling thread.
template <class Body>
void ParallelFor(int64_t count, int64_t grain, const Body& body) {
  if (count <= 0) return;
  const int64_t limit = std::min(ThreadCount(), CeilDiv(count, std::max<int64_t>(grain, 1)));
  if (limit == 1) return body(int64_t{0}, count, int64_t{0});
  struct Region {
    int64_t count;
    const Body& body;
    std::mutex mutex;
    std::exception_ptr failure;
  };
  Region region{count, body, {}, {}};
  const auto run = [](void* context, int64_t thread, int64_t threads) {
    auto& shared = *static_cast<Region*>(context);
    const int64_t chunk = CeilDiv(shared.count, threads);
    const int64_t begin = thread * chunk;
    if (begin >= shared.count) return;
    try {
      shared.body(begin, std::min(shared.count, begin + chunk), thread);
    } catch (...) {
      const std::lock_guard lock(shared.mutex);
      if (!shared.failure) shared.failure = std::current_exception();
    }
  };
  RunInParallel(limit, run, &region);
  if (region.failure) std::rethrow_exception(region.failure);
}

}  // namespace semisup::kernels
