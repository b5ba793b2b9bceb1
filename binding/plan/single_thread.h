#pragma once
#ifdef _OPENMP
#include <omp.h>
#endif

namespace semisup::plan {

// Limits OpenMP, and so LibTorch, to the calling thread for the scope. oneDNN packs weights for
// the current number of threads, and must do so outside of parallel regions: weights packed inside
// one lack their zero-point compensation.
//
// Each thread of a parallel region needs a scope, too. There, oneDNN computes with one thread, but
// finds primitives in its cache by OpenMP's maximum. Without a scope it would take those of latency
// mode, repack the weights for them in every run, and leave out the compensation.
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
