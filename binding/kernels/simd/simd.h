#pragma once
// The vectors of the instruction set SEMISUP_SIMD, which the build sets: it compiles each file
// named
// *_simd.cc once for each instruction set. Everything that such a file defines must be in
// SEMISUP_SIMD's namespace: the linker would keep one copy of an inline function for all.
//
// Functions over the compilers' own types, rather than LibTorch's Vectorized or
// std::experimental::simd: the kernels need no header of LibTorch, compile with MSVC, and say
// which instruction they mean.
#define SEMISUP_SIMD_IS_avx512 1
#define SEMISUP_SIMD_IS_avx2 2
#define SEMISUP_SIMD_IS_neon 3
#define SEMISUP_JOIN(a, b) a##b
#define SEMISUP_SIMD_IS(name) SEMISUP_JOIN(SEMISUP_SIMD_IS_, name)

#if SEMISUP_SIMD_IS(SEMISUP_SIMD) == SEMISUP_SIMD_IS_avx512
#include "kernels/simd/avx512.h"
#elif SEMISUP_SIMD_IS(SEMISUP_SIMD) == SEMISUP_SIMD_IS_avx2
#include "kernels/simd/avx2.h"
#elif SEMISUP_SIMD_IS(SEMISUP_SIMD) == SEMISUP_SIMD_IS_neon
#include "kernels/simd/neon.h"
#else
#error "SEMISUP_SIMD names no instruction set."
#endif
