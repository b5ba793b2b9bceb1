#pragma once
#include <cstdint>

namespace semisup::kernels {

// float32 elements of an AVX-512 vector.
constexpr int64_t kVectorWidth = 16;
constexpr int64_t kCacheLineBytes = 64;

// Multi-versions a plain loop: GCC emits an AVX2 clone beside the baseline and selects between them
// at load time.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#define SEMISUP_CLONE_FOR_AVX2 __attribute__((target_clones("avx2", "default")))
#else
#define SEMISUP_CLONE_FOR_AVX2
#endif

// Whether the processor supports the instructions of the files named *_avx512.cc.
inline bool HasAvx512() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512f") != 0;
#else
  return false;
#endif
}

// Whether the processor supports the instructions of the files named *_vnni.cc.
inline bool HasVnni() {
#if defined(__x86_64__) && defined(__GNUC__)
  return HasAvx512() && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vnni") != 0;
#else
  return false;
#endif
}

}  // namespace semisup::kernels
