#pragma once
#if defined(_M_X64)
#include <immintrin.h>
#elif defined(_M_ARM64)
#include <intrin.h>
#endif

#include <cstdint>

#include "kernels/cpu_features.h"
#include "kernels/partition.h"

namespace semisup::kernels {

enum class Cache { kL1, kL2 };

template <Cache cache>
[[gnu::always_inline]]
inline void Prefetch(const void* address) {
#if defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(address), cache == Cache::kL1 ? _MM_HINT_T0 : _MM_HINT_T1);
#elif defined(_M_ARM64)
  __prefetch2(address, cache == Cache::kL1 ? 0 : 2);
#else
  __builtin_prefetch(address, 0, cache == Cache::kL1 ? 3 : 2);
#endif
}

// Prefetches `width` elements of each of `count` rows that are `stride` elements apart. For
// outputs: stores to lines that are not cached stall after a few rows. Always inlined, as its
// callers must be: GCC treats calls of functions that only prefetch as having no effect, and
// removes them.
template <Cache cache, class T>
[[gnu::always_inline]]
inline void PrefetchRows(const T* rows, int64_t count, int64_t stride, int64_t width) {
  constexpr int64_t kStep = kCacheLineBytes / static_cast<int64_t>(sizeof(T));
  for (int64_t row = 0; row < count; row++) {
    for (int64_t at = 0; at < width; at += kStep) {
      Prefetch<cache>(rows + row * stride + at);
    }
  }
}

// Prefetches the rows of micro-tile `tile + 1` of the `tiles` that `count` rows are split into.
template <class T>
[[gnu::always_inline]]
inline void PrefetchNextTile(const T* rows, int64_t count, int64_t stride, int64_t width,
                             int64_t tile, int64_t tiles) {
  if (tile + 1 == tiles) return;
  const auto next = SplitRange(count, tile + 1, tiles);
  PrefetchRows<Cache::kL1>(rows + next.first * stride, next.count, stride, width);
}

}  // namespace semisup::kernels
