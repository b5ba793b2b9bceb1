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

// Whether the processor has dot products of bytes in AVX2's vectors.
bool HasAvxVnni();

bool HasAvx512();

// Whether the processor has AVX-512BW and dot products of bytes in AVX-512's vectors.
bool HasAvx512Vnni();

// Whether the processor, an Arm one, has dot products of bytes, and products of matrices of them.
bool HasNeonDot();
bool HasNeonI8mm();

// Whether the processor multiplies bfloat16 numbers.
bool HasBFloat16();

// Whether the processor multiplies tiles of bytes and bfloat16 numbers (AMX), and the operating
// system lets this process use them. Asks it for the permission at the first call.
bool HasAmx();

}  // namespace semisup::kernels
