#pragma once
#ifdef _OPENMP
#include <omp.h>
#endif

namespace semisup::plan {

// Makes LibTorch run on this thread alone. Weights that oneDNN packs among threads of OpenMP are
// wrong where bytes have a zero point: it leaves out a sum.
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
