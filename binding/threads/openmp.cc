#include <ATen/Parallel.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>

#include "kernels/threads.h"

namespace semisup::kernels {
namespace {

// Fewer threads than `count` if OMP_THREAD_LIMIT allows no more: oneDNN computes wrong results if
// OpenMP gives it fewer threads than LibTorch's number.
int WithinLimit(int count) {
#if defined(_OPENMP) && !defined(_MSC_VER)  // MSVC's header lacks this function of OpenMP 3.0.
  return std::min(count, omp_get_thread_limit());
#else
  return count;
#endif
}

}  // namespace

int64_t DefaultThreadCount() { return at::get_num_threads(); }

// OpenMP stores the number of threads per calling thread, but LibTorch initializes each new thread
// with the number that was last set on any thread.
void SetThreadCount(int64_t count) {
  // Is inline and has a thread-local flag, of which LibTorch and this library each have a copy: the
  // first call of each copy would reset the number, so call both first.
  at::internal::lazy_init_num_threads();
  at::get_num_threads();
  at::set_num_threads(WithinLimit(static_cast<int>(count)));
}

int64_t ThreadCount() {
#ifdef _OPENMP
  return omp_in_parallel() ? 1 : omp_get_max_threads();
#else
  return 1;
#endif
}

// If there are more OpenMP threads than cores, including the idle threads of other models, libgomp
// hardly spins at barriers, which makes inference on a single image about a sixth slower.
void ReleaseThreads() {
#if defined(_OPENMP) && !defined(_MSC_VER)  // MSVC's header lacks this function of OpenMP 5.0.
  omp_pause_resource_all(omp_pause_soft);
#endif
}

void RunInParallel(int64_t limit, ParallelFunction run, void* context) {
#ifdef _OPENMP
  // A num_threads clause would make libgomp resize its pool of threads at each change.
#pragma omp parallel
  {
    const int64_t threads = std::min<int64_t>(limit, omp_get_num_threads());
    const int64_t thread = omp_get_thread_num();
    if (thread < threads) run(context, thread, threads);
  }
#else
  run(context, 0, 1);
#endif
}

}  // namespace semisup::kernels
