#pragma once
#include <cstdint>

namespace semisup::plan {

// How many numbers of float32 a register of AVX-512 holds.
constexpr int64_t kLane = 16;
// How many bytes are fetched from memory at a time.
constexpr int64_t kLine = 64;

// As LibTorch's, whose headers are not for what is compiled for some processors alone: the linker
// might take their functions for all others too.
struct BFloat16 {
  uint16_t bits;
};

// Before a plain loop: compiled for AVX2 too, which is taken where the processor has it.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#define SEMISUP_ALSO_AVX2 __attribute__((target_clones("avx2", "default")))
#else
#define SEMISUP_ALSO_AVX2
#endif

// Whether this processor has what the kernels for AVX-512 need.
inline bool HasAvx512() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512f") != 0;
#else
  return false;
#endif
}

// Whether it has what the kernels of bytes need as well.
inline bool HasVnni() {
#if defined(__x86_64__) && defined(__GNUC__)
  return HasAvx512() && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vnni") != 0;
#else
  return false;
#endif
}

}  // namespace semisup::plan
