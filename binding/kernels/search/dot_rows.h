#pragma once
#include <cstdint>

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/cpu_features.h"

namespace semisup::kernels {

// The dot product of each query with each row. T: float or BFloat16. Sums are float32, and each is
// added up in the same order whatever the numbers of rows and queries: equal rows have equal
// products.
template <class T>
struct DotRows {
  // Whole cache lines: rows are aligned, and padded with zeros to a multiple of it.
  static constexpr int64_t kColumns = kCacheLineBytes / static_cast<int64_t>(sizeof(T));

  // [query_count, columns].
  const float* queries;
  // [row_count, columns].
  const T* rows;
  // [query_count, row_count].
  float* products;
  int64_t query_count;
  int64_t row_count;
  // A multiple of kColumns.
  int64_t columns;
};

void RunDotRows(const DotRows<float>& block);
void RunDotRows(const DotRows<BFloat16>& block);

}  // namespace semisup::kernels
