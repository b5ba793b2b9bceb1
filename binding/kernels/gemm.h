#pragma once
// Matrix products in vectors of SEMISUP_SIMD.
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/cpu_features.h"
#include "kernels/partition.h"
#include "kernels/prefetch.h"
#include "kernels/simd/simd.h"
#include "kernels/unroll.h"

namespace semisup::kernels::SEMISUP_SIMD {

// The lower bound of a result: 0 with a ReLU, minus infinity without.
inline Vector LowerBound(bool relu) {
  return Broadcast(relu ? 0 : -std::numeric_limits<float>::infinity());
}

// Rows of a dense matrix, `stride` elements apart. A k-block is a contiguous run of elements along
// the reduction dimension; here each row is a single k-block.
template <class T>
struct StridedRows {
  T* data;
  int64_t stride;

  static constexpr int64_t k_blocks = 1;
  static constexpr int64_t k_block_stride = 0;
  T* Row(int64_t row) const { return data + row * stride; }
};

// Rows at arbitrary addresses. Row i consists of `k_blocks` k-blocks, `k_block_stride` elements
// apart; the first begins at starts[i] + offset.
struct ScatteredRows {
  const float* const* starts;
  int64_t offset;
  int64_t k_blocks;
  int64_t k_block_stride;

  const float* Row(int64_t row) const { return starts[row] + offset; }
};

// What is applied to the accumulators: bias and addend before the products, the ReLU before the
// store.
struct Epilogue {
  // One per output column, or null.
  const float* bias;
  // Added row by row, with the output's stride, or null; may alias the output.
  const float* addend;
  bool relu;
  // The columns of the last vector, for tiles whose last vector is partial.
  int64_t last_columns = kVectorWidth;
};

// Vector `vector` of a row of `vectors`. Only columns that exist are read or written.
template <bool is_partial, int vectors>
Vector LoadColumns(const float* row, int vector, const Epilogue& epilogue) {
  const float* data = row + vector * kVectorWidth;
  if (is_partial && vector == vectors - 1) return LoadPart(data, epilogue.last_columns);
  return Load(data);
}
template <bool is_partial, int vectors>
void StoreColumns(float* row, int vector, Vector value, const Epilogue& epilogue) {
  float* data = row + vector * kVectorWidth;
  if (is_partial && vector == vectors - 1) return StorePart(data, epilogue.last_columns, value);
  Store(data, value);
}

// A packed panel of weights, [k_blocks, depth, vectors * kVectorWidth], of float or BFloat16.
template <class Weight>
struct Panel {
  const Weight* weights;
  // Elements per k-block.
  int64_t depth;
  // The weights to prefetch into L2, `prefetch_step` bytes per step of the depth. Without
  // prefetching, tiles with few rows stall on memory, because they reuse each weight too rarely.
  const Weight* prefetch;
  int64_t prefetch_step;
};

// The panel for micro-tile `tile` of `tiles`: each tile prefetches its share of `prefetch`.
template <int vectors, class Weight>
Panel<Weight> PanelForTile(const Weight* weights, int64_t depth, int64_t k_blocks,
                           const Weight* prefetch, int64_t tile, int64_t tiles) {
  constexpr int64_t kBytes = vectors * kVectorWidth * static_cast<int64_t>(sizeof(Weight));
  const int64_t step = std::min(2 * kCacheLineBytes, CeilDiv(kBytes, tiles));
  return {weights, depth,
          prefetch + tile * step * depth * k_blocks / static_cast<int64_t>(sizeof(Weight)), step};
}

// Computes a micro-tile of `rows` x (`vectors` * kVectorWidth) outputs; if `is_partial`, only
// `last_columns` of the last vector exist. Arguments are passed by value so that the compiler keeps
// them in registers: a store could alias a reference.
template <int rows, int vectors, bool is_partial, class Weight, class Matrix>
void ComputeTile(Matrix a, Panel<Weight> panel, StridedRows<float> output, Epilogue epilogue) {
  constexpr int64_t kRowBytes = vectors * kVectorWidth * static_cast<int64_t>(sizeof(Weight));
  Vector sums[rows][vectors];
  Unroll<vectors>([&](auto j) {
    const Vector bias =
        epilogue.bias ? LoadColumns<is_partial, vectors>(epilogue.bias, j, epilogue) : Zero();
    Unroll<rows>([&](auto i) { sums[i][j] = bias; });
  });
  if (epilogue.addend) {
    Unroll<rows>([&](auto i) {
      Unroll<vectors>([&](auto j) {
        const float* addend = epilogue.addend + i * output.stride;
        sums[i][j] = Add(sums[i][j], LoadColumns<is_partial, vectors>(addend, j, epilogue));
      });
    });
  }
  const float* a_rows[rows];
  Unroll<rows>([&](auto i) { a_rows[i] = a.Row(i); });
  for (int64_t block = 0; block < a.k_blocks; block++) {
    for (int64_t k = 0; k < panel.depth; k++) {
      const char* prefetch =
          reinterpret_cast<const char*>(panel.prefetch) + k * panel.prefetch_step;
      Prefetch<Cache::kL2>(prefetch);
      if constexpr (kRowBytes > kCacheLineBytes) Prefetch<Cache::kL2>(prefetch + kCacheLineBytes);
      Vector b[vectors];
      Unroll<vectors>(
          [&](auto j) { b[j] = Load(panel.weights + (k * vectors + j) * kVectorWidth); });
      Unroll<rows>([&](auto i) {
        const Vector factor = Broadcast(a_rows[i][k]);
        Unroll<vectors>([&](auto j) { sums[i][j] = MultiplyAdd(factor, b[j], sums[i][j]); });
      });
    }
    if (block + 1 == a.k_blocks) break;
    Unroll<rows>([&](auto i) { a_rows[i] += a.k_block_stride; });
    panel.weights += panel.depth * vectors * kVectorWidth;
    panel.prefetch += panel.depth * panel.prefetch_step / static_cast<int64_t>(sizeof(Weight));
  }
  const Vector bound = LowerBound(epilogue.relu);
  Unroll<rows>([&](auto i) {
    Unroll<vectors>([&](auto j) {
      StoreColumns<is_partial, vectors>(output.data + i * output.stride, j,
                                        AtLeast(bound, sums[i][j]), epilogue);
    });
  });
}

// The vectors that accumulate sums: three quarters of the registers. The rest holds the weights and
// the broadcast input.
constexpr int kAccumulators = kRegisters * 3 / 4;

// The vectors of a row of a micro-tile: 6 rows x 4 vectors of 32 registers, or 6 x 2 of 16.
constexpr int kPanelVectors = kAccumulators / 6;

// The maximum number of rows of a micro-tile.
constexpr int MaxTileRows(int vectors) { return kAccumulators / vectors; }

template <int vectors, bool is_partial, class Weight, class Matrix, int... rows>
constexpr auto MakeMicroKernels(std::integer_sequence<int, rows...>) {
  return std::array{&ComputeTile<rows + 1, vectors, is_partial, Weight, Matrix>...};
}
// ComputeTile() for 1, 2, ... MaxTileRows() rows.
template <int vectors, class Weight = float, class Matrix = StridedRows<const float>,
          bool is_partial = false>
inline constexpr auto kMicroKernels = MakeMicroKernels<vectors, is_partial, Weight, Matrix>(
    std::make_integer_sequence<int, MaxTileRows(vectors)>());

// Output columns `first` to `first + kPanelVectors * kVectorWidth - 1`, or fewer at the end of
// `columns` columns. A panel is packed at its own width in whole vectors.
struct PanelColumns {
  int64_t first;
  int64_t columns;

  int64_t count() const { return std::min(columns - first, kPanelVectors * kVectorWidth); }
  int64_t packed_count() const { return CeilDiv(count(), kVectorWidth) * kVectorWidth; }
  bool is_partial() const { return count() < kPanelVectors * kVectorWidth; }
  int64_t last_columns() const { return count() - (packed_count() - kVectorWidth); }
};

// Calls body(vectors, is_partial) with integral constants for the width of a panel: full panels
// keep loops of their own.
template <class Body>
inline void WithPanelWidth(const PanelColumns& panel, const Body& body) {
  if (!panel.is_partial()) {
    return body(std::integral_constant<int, kPanelVectors>(), std::false_type());
  }
  const auto vectors = static_cast<int>(panel.packed_count() / kVectorWidth);
  Unroll<kPanelVectors>([&](auto i) {
    if (vectors == i + 1) body(std::integral_constant<int, i + 1>(), std::true_type());
  });
}

}  // namespace semisup::kernels::SEMISUP_SIMD
