#pragma once
#include <ATen/Parallel.h>

#include <cstdint>
#ifdef _OPENMP
#include <omp.h>
#endif

namespace semisup::plan {

// How many threads a kernel that is called here may run on.
inline int64_t ThreadsHere() { return at::in_parallel_region() ? 1 : at::get_num_threads(); }

// Makes LibTorch run on this thread alone: the order of weights that oneDNN packs is best for so
// many threads as it packs them with. Outside of OpenMP's parallel regions: within one, packed
// weights are wrong where bytes have a zero point, because a sum is left out.
class OneThread {
 public:
#ifdef _OPENMP
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }

 private:
  int before_;
#endif
};

}  // namespace semisup::plan
