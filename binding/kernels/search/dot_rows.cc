#include "kernels/search/dot_rows.h"

#include <array>

#include "kernels/simd_kernels.h"

namespace semisup::kernels {
namespace {

// Independent sums, which the compiler may put into vectors.
constexpr int64_t kSums = 8;

template <class T>
float DotProduct(const float* query, const T* row, int64_t columns) {
  static_assert(DotRows<T>::kColumns % kSums == 0);
  std::array<float, kSums> sums{};
  for (int64_t c = 0; c < columns; c += kSums) {
    for (int64_t i = 0; i < kSums; i++) sums[i] += query[c + i] * ToFloat(row[c + i]);
  }
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

template <class T>
void RunPortable(const DotRows<T>& block) {
  for (int64_t r = 0; r < block.row_count; r++) {
    const T* row = block.rows + r * block.columns;
    for (int64_t q = 0; q < block.query_count; q++) {
      block.products[q * block.row_count + r] =
          DotProduct(block.queries + q * block.columns, row, block.columns);
    }
  }
}

}  // namespace

void RunDotRows(const DotRows<float>& block) {
  const auto* kernels = ActiveKernels();
  return kernels ? kernels->dot_rows(block) : RunPortable(block);
}

void RunDotRows(const DotRows<BFloat16>& block) {
  const auto* kernels = ActiveKernels();
  return kernels ? kernels->dot_rows_bfloat16(block) : RunPortable(block);
}

}  // namespace semisup::kernels
