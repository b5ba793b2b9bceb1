#pragma once

namespace semisup::plan {

// Whether this processor has what the kernels for AVX-512 need.
inline bool HasAvx512() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512f") != 0;
#else
  return false;
#endif
}

}  // namespace semisup::plan
