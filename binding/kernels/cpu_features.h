#pragma once
#include <cstddef>
#include <cstdint>
#if defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define SEMISUP_X86_64
#endif

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
bool HasAvx512();

// Whether the processor supports the instructions of the files named *_vnni.cc.
bool HasVnni();

// Whether the processor multiplies bfloat16 numbers.
inline bool HasBFloat16() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#elif defined(_M_X64)
  int leaf[4];
  __cpuidex(leaf, 0, 0);
  if (leaf[0] < 7) return false;
  __cpuidex(leaf, 1, 0);
  const bool has_xgetbv = (leaf[2] & (1 << 27)) != 0;
  // Whether the operating system saves the AVX-512 registers.
  if (!has_xgetbv || (_xgetbv(0) & 0xe6) != 0xe6) return false;
  __cpuidex(leaf, 7, 0);
  if (leaf[0] < 1) return false;
  __cpuidex(leaf, 7, 1);
  return (leaf[0] & (1 << 5)) != 0;
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kHwcap2BFloat16 = 1UL << 14;
  return (getauxval(AT_HWCAP2) & kHwcap2BFloat16) != 0;
#elif defined(__APPLE__)
  int has_feature = 0;
  size_t size = sizeof(has_feature);
  return sysctlbyname("hw.optional.arm.FEAT_BF16", &has_feature, &size, nullptr, 0) == 0 &&
         has_feature != 0;
#else
  return false;
#endif
}

}  // namespace semisup::kernels
