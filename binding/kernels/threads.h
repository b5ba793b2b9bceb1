#pragma once
#include <cstdint>

// The threads that compute a parallel region. Each thread has its own number of them, and starts
// regions on threads of its own. The functions are defined once per library: by OpenMP
// (threads/openmp.cc), whose threads LibTorch uses, or by a pool (threads/pool.cc).
namespace semisup::kernels {

// One per physical core, or the environment's OMP_NUM_THREADS.
int64_t DefaultThreadCount();
// Sets the number of threads of regions that the calling thread starts.
void SetThreadCount(int64_t count);
// The number of threads of a region that is started here: 1 inside a region.
int64_t ThreadCount();
// Ends the threads of the calling thread's regions, which start again when needed.
void ReleaseThreads();

// Calls run(context, thread, threads) for each thread below `threads`, which is at most `limit`.
// `run` must not throw.
using ParallelFunction = void (*)(void* context, int64_t thread, int64_t threads);
void RunInParallel(int64_t limit, ParallelFunction run, void* context);

}  // namespace semisup::kernels
