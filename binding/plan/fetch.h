#pragma once
// For x86-64 alone.
#include <immintrin.h>

#include <cstdint>

#include "processor.h"
#include "slices.h"

namespace semisup::plan {

// Fetches the rows of a matrix that will be written or added to next, `width` elements of each:
// otherwise the processor waits for memory after each few rows. The hint tells into which
// cache. Inlined, and so must be what only calls it: GCC leaves out calls that do no more.
template <_mm_hint hint, class T>
[[gnu::always_inline]]
inline void FetchRows(const T* rows, int64_t count, int64_t stride, int64_t width) {
  constexpr int64_t kStep = kLine / static_cast<int64_t>(sizeof(T));
  for (int64_t row = 0; row < count; row++) {
    for (int64_t at = 0; at < width; at += kStep) {
      _mm_prefetch(reinterpret_cast<const char*>(rows + row * stride + at), hint);
    }
  }
}

// The rows that are next, where `count` rows are done in `strips` strips and `strip` is under way.
template <class T>
[[gnu::always_inline]]
inline void FetchNextStrip(const T* rows, int64_t count, int64_t stride, int64_t width,
                           int64_t strip, int64_t strips) {
  if (strip + 1 == strips) return;
  const auto next = ShareOf(count, strip + 1, strips);
  FetchRows<_MM_HINT_T0>(rows + next.first * stride, next.count, stride, width);
}

}  // namespace semisup::plan
