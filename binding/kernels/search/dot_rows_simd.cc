#include "kernels/search/dot_rows.h"

#include <array>

#include "kernels/prefetch.h"
#include "kernels/simd/simd.h"
#include "kernels/unroll.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

constexpr int kTileRows = 4;
// With 16 registers, 8 sums leave some for the rows and a query.
constexpr int kTileQueries = kRegisters >= 32 ? 4 : 2;

float Sum(Vector vector) {
  std::array<float, kVectorWidth> sums;
  Store(sums.data(), vector);
  for (int64_t half = kVectorWidth / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; i++) sums[i] += sums[i + half];
  }
  return sums[0];
}

template <int rows, int queries, class T>
void RunTile(const DotRows<T>& block, int64_t first_row, int64_t first_query) {
  const int64_t columns = block.columns;
  const T* row = block.rows + first_row * columns;
  const float* query = block.queries + first_query * columns;
  Vector sums[queries][rows];
  Unroll<queries>([&](auto q) { Unroll<rows>([&](auto r) { sums[q][r] = Zero(); }); });
  for (int64_t line = 0; line < columns; line += DotRows<T>::kColumns) {
    // With one query, this is limited by memory. The prefetchers of the hardware stop at the end of
    // a page, which is often that of a row.
    if constexpr (queries == 1) {
      Unroll<rows>([&](auto r) { Prefetch<Cache::kL1>(row + (rows + r) * columns + line); });
    }
    for (int64_t c = line; c < line + DotRows<T>::kColumns; c += kVectorWidth) {
      Vector values[rows];
      Unroll<rows>([&](auto r) { values[r] = Load(row + r * columns + c); });
      Unroll<queries>([&](auto q) {
        const Vector factor = Load(query + q * columns + c);
        Unroll<rows>([&](auto r) { sums[q][r] = MultiplyAdd(factor, values[r], sums[q][r]); });
      });
    }
  }
  float* products = block.products + first_query * block.row_count + first_row;
  Unroll<queries>([&](auto q) {
    Unroll<rows>([&](auto r) { products[q * block.row_count + r] = Sum(sums[q][r]); });
  });
}

template <int rows, class T>
void RunRows(const DotRows<T>& block, int64_t row) {
  int64_t query = 0;
  for (; query + kTileQueries <= block.query_count; query += kTileQueries) {
    RunTile<rows, kTileQueries>(block, row, query);
  }
  for (; query < block.query_count; query++) RunTile<rows, 1>(block, row, query);
}

template <class T>
void Run(const DotRows<T>& block) {
  int64_t row = 0;
  for (; row + kTileRows <= block.row_count; row += kTileRows) RunRows<kTileRows>(block, row);
  for (; row < block.row_count; row++) RunRows<1>(block, row);
}

}  // namespace

void RunDotRows(const DotRows<float>& block) { Run(block); }
void RunDotRows(const DotRows<BFloat16>& block) { Run(block); }

}  // namespace semisup::kernels::SEMISUP_SIMD
