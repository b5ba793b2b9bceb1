#pragma once
// The vectors of the instruction set SEMISUP_SIMD, which the build sets: it compiles each file
// named *_simd.cc once for each instruction set. Everything that such a file defines must be in
// SEMISUP_SIMD's namespace: the linker would keep one copy of an inline function for all.
//
// Functions over the compilers' own types, rather than LibTorch's Vectorized or
// std::experimental::simd: the kernels need no header of LibTorch, compile with MSVC, and say
// which instruction they mean.
#include <array>
#include <cstdint>
#include <cstring>

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

namespace semisup::kernels::SEMISUP_SIMD {

// The first `count` elements; zeros, or nothing, beyond. For what an instruction set has no masked
// loads and stores of, which it overloads.
template <class T>
inline Vector LoadPart(const T* data, int64_t count) {
  std::array<T, kVectorWidth> part{};
  std::memcpy(part.data(), data, static_cast<size_t>(count) * sizeof(T));
  return Load(part.data());
}
template <class T>
inline void StorePart(T* data, int64_t count, Vector value) {
  std::array<T, kVectorWidth> part;
  Store(part.data(), value);
  std::memcpy(data, part.data(), static_cast<size_t>(count) * sizeof(T));
}

}  // namespace semisup::kernels::SEMISUP_SIMD
