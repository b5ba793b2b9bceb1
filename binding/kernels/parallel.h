#pragma once
#include <algorithm>
#include <cstdint>
#include <exception>
#include <mutex>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "kernels/partition.h"

namespace semisup::kernels {

// The number of threads that ParallelFor() uses when it is called here: 1 inside a parallel region.
inline int64_t ThreadCount() {
#ifdef _OPENMP
  return omp_in_parallel() ? 1 : omp_get_max_threads();
#else
  return 1;
#endif
}

// The grain for elementwise work on rows of `columns` elements. For fewer elements, another thread
// takes longer to start than to compute them.
inline int64_t GrainOfRows(int64_t columns) {
  constexpr int64_t kMinElements = 16 << 10;
  return CeilDiv(kMinElements, std::max<int64_t>(columns, 1));
}

// Calls body(begin, end, thread) on sub-ranges of [0, count) in parallel; `thread` is below
// ThreadCount(). Every sub-range except the last has at least `grain` iterations. The first
// exception that a body throws is rethrown on the calling thread: one that left an OpenMP region
// would terminate the process.
template <class Body>
void ParallelFor(int64_t count, int64_t grain, const Body& body) {
  if (count <= 0) return;
  const int64_t threads = std::min(ThreadCount(), CeilDiv(count, std::max<int64_t>(grain, 1)));
  if (threads == 1) return body(int64_t{0}, count, int64_t{0});
#ifdef _OPENMP
  std::mutex mutex;
  std::exception_ptr failure;
  // A num_threads clause would make libgomp resize its pool of threads at each change.
#pragma omp parallel
  {
    const int64_t thread = omp_get_thread_num();
    const int64_t chunk = CeilDiv(count, std::min<int64_t>(threads, omp_get_num_threads()));
    const int64_t begin = thread * chunk;
    if (begin < count) {
      try {
        body(begin, std::min(count, begin + chunk), thread);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
#endif
}

}  // namespace semisup::kernels
