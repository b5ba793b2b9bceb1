#pragma once
#include <array>
#include <cstdint>
#include <utility>

#include "kernels/gemm.h"
#include "kernels/unroll.h"
#include "kernels/winograd/transforms.h"

namespace semisup::kernels::SEMISUP_SIMD {

// The transformed inputs of a pair of points, and the products to compute.
struct PointPairRows {
  StridedRows<const float> inputs;
  StridedRows<float> products;
  // The distances between the data of the first and of the second point.
  int64_t input_distance;
  int64_t product_distance;
};

// Multiplies the inputs of both points by a panel, [depth, 3, vectors * kVectorWidth], whose column
// transform is computed in registers. Arguments are passed by value: through a reference, every
// store could alias them and force a reload.
template <PointPair pair, int rows, int vectors>
void ComputePointPair(PointPairRows points, Panel<float> panel) {
  Vector sums[2][rows][vectors];
  Unroll<rows>(
      [&](auto i) { Unroll<vectors>([&](auto j) { sums[0][i][j] = sums[1][i][j] = Zero(); }); });
  // Offsets rather than pointers to the rows: there are too few registers for one pointer per row
  // and point.
  int64_t at[rows];
  Unroll<rows>([&](auto i) { at[i] = i * points.inputs.stride; });
  const float* first = points.inputs.data;
  const float* second = first + points.input_distance;
  const float* weights = panel.weights;
  const char* prefetch = reinterpret_cast<const char*>(panel.prefetch);
  for (int64_t k = 0; k < panel.depth; k++) {
    Prefetch<Cache::kL2>(prefetch);
    Prefetch<Cache::kL2>(prefetch + kCacheLineBytes);
    prefetch += panel.prefetch_step;
    Vector b[vectors][2];
    Unroll<vectors>([&](auto j) {
      const Vector kernel[3]{Load(weights + j * kVectorWidth),
                             Load(weights + (vectors + j) * kVectorWidth),
                             Load(weights + (2 * vectors + j) * kVectorWidth)};
      TransformKernel<pair>(kernel, b[j]);
    });
    weights += 3 * vectors * kVectorWidth;
    Unroll<rows>([&](auto i) {
      const Vector one = Broadcast(first[at[i]]);
      Unroll<vectors>([&](auto j) { sums[0][i][j] = MultiplyAdd(one, b[j][0], sums[0][i][j]); });
      const Vector two = Broadcast(second[at[i]]);
      Unroll<vectors>([&](auto j) { sums[1][i][j] = MultiplyAdd(two, b[j][1], sums[1][i][j]); });
    });
    first++;
    second++;
  }
  Unroll<rows>([&](auto i) {
    Unroll<vectors>([&](auto j) {
      float* products = points.products.Row(i) + j * kVectorWidth;
      Store(products, sums[0][i][j]);
      Store(products + points.product_distance, sums[1][i][j]);
    });
  });
}

template <PointPair pair, int vectors, int... rows>
constexpr auto MakePointPairMicroKernels(std::integer_sequence<int, rows...>) {
  return std::array{&ComputePointPair<pair, rows + 1, vectors>...};
}
// The vectors of a panel of weights: 6 rows of two points fit into the registers.
constexpr int kWinogradVectors = kAccumulators / 12;

// ComputePointPair() for 1, 2, ... MaxTileRows(2 * vectors) rows.
template <PointPair pair, int vectors>
inline constexpr auto kPointPairMicroKernels = MakePointPairMicroKernels<pair, vectors>(
    std::make_integer_sequence<int, MaxTileRows(2 * vectors)>());

}  // namespace semisup::kernels::SEMISUP_SIMD
