#pragma once
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#define SEMISUP_X86_64
#elif defined(__aarch64__) || defined(_M_ARM64)
#define SEMISUP_ARM64
#endif

namespace semisup::kernels {

constexpr int64_t kCacheLineBytes = 64;

// Multi-versions a plain loop: GCC emits an AVX2 clone beside the baseline and selects between them
// at load time.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#define SEMISUP_CLONE_FOR_AVX2 __attribute__((target_clones("avx2", "default")))
#else
#define SEMISUP_CLONE_FOR_AVX2
#endif

// Whether the processor has AVX2 and FMA.
bool HasAvx2();

bool HasAvx512();

// Whether the processor supports the instructions of the files named *_vnni.cc.
bool HasVnni();

// Whether the processor multiplies bfloat16 numbers.
bool HasBFloat16();

// Whether the processor multiplies tiles of bytes and bfloat16 numbers (AMX), and the operating
// system lets this process use them. Asks it for the permission at the first call.
bool HasAmx();

}  // namespace semisup::kernels
