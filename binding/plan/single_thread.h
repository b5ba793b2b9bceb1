#pragma once
#ifdef _OPENMP
#include <omp.h>
#endif

namespace semisup::plan {

// Limits OpenMP, and so LibTorch, to the calling thread for the scope. oneDNN packs weights for
// the current number of threads. Must be used outside of parallel regions: weights packed inside
// one lack their zero-point compensation.
class SingleThreadScope {
 public:
#ifdef _OPENMP
  SingleThreadScope() : previous_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~SingleThreadScope() { omp_set_num_threads(previous_); }
  SingleThreadScope(const SingleThreadScope&) = delete;
  SingleThreadScope& operator=(const SingleThreadScope&) = delete;

 private:
  const int previous_;
#endif
};

}  // namespace semisup::plan
