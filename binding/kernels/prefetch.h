#pragma once
// x86-64 only.
#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu_features.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// Prefetches `width` elements of each of `count` rows that are `stride` elements apart, into the
// cache level that the hint selects. For outputs: stores to lines that are not cached stall after a
// few rows. Always inlined, as its callers must be: GCC treats calls of functions that only
// prefetch as having no effect, and removes them.
template <auto hint, class T>
[[gnu::always_inline]]
inline void PrefetchRows(const T* rows, int64_t count, int64_t stride, int64_t width) {
  constexpr int64_t kStep = kCacheLineBytes / static_cast<int64_t>(sizeof(T));
  for (int64_t row = 0; row < count; row++) {
    for (int64_t at = 0; at < width; at += kStep) {
      _mm_prefetch(reinterpret_cast<const char*>(rows + row * stride + at), hint);
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
  PrefetchRows<_MM_HINT_T0>(rows + next.first * stride, next.count, stride, width);
}

}  // namespace semisup::kernels
