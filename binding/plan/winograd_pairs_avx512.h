#pragma once
// For what is compiled for processors with AVX-512, and runs on those alone.
#include <array>
#include <cstdint>
#include <utility>

#include "multiply_avx512.h"
#include "unrolled.h"
#include "winograd_transforms_avx512.h"

namespace semisup::plan {

// Rows of inputs for a pair of points, and of the products to be made of them.
struct PairOfPoints {
  Rows<const float> inputs;
  Rows<float> products;
  // How far those for the second point lie from those for the first.
  int64_t inputs_apart;
  int64_t products_apart;
};

// Inputs for both points of a pair times a panel, [depth, 3, lanes * kLane], of which the weights
// for the points are made in registers. All is given by value: what a store may change is read
// again.
template <Pair pair, int rows, int lanes>
void MultiplyPair(PairOfPoints points, Panel<float> panel) {
  Lane sums[2][rows][lanes];
  Unrolled<rows>([&](auto i) {
    Unrolled<lanes>([&](auto j) { sums[0][i][j] = sums[1][i][j] = _mm512_setzero_ps(); });
  });
  // Offsets and not pointers, which would be more than there are registers for.
  int64_t at[rows];
  Unrolled<rows>([&](auto i) { at[i] = i * points.inputs.stride; });
  const float* first = points.inputs.data;
  const float* second = first + points.inputs_apart;
  const float* weights = panel.weights;
  const char* next = reinterpret_cast<const char*>(panel.next);
  for (int64_t k = 0; k < panel.depth; k++) {
    _mm_prefetch(next, _MM_HINT_T1);
    _mm_prefetch(next + kLine, _MM_HINT_T1);
    next += panel.next_step;
    Lane b[lanes][2];
    Unrolled<lanes>([&](auto j) {
      const Lane kernel[3]{LaneAt(weights + j * kLane), LaneAt(weights + (lanes + j) * kLane),
                           LaneAt(weights + (2 * lanes + j) * kLane)};
      TransformKernel<pair>(kernel, b[j]);
    });
    weights += 3 * lanes * kLane;
    Unrolled<rows>([&](auto i) {
      const Lane one = _mm512_set1_ps(first[at[i]]);
      Unrolled<lanes>(
          [&](auto j) { sums[0][i][j] = _mm512_fmadd_ps(one, b[j][0], sums[0][i][j]); });
      const Lane two = _mm512_set1_ps(second[at[i]]);
      Unrolled<lanes>(
          [&](auto j) { sums[1][i][j] = _mm512_fmadd_ps(two, b[j][1], sums[1][i][j]); });
    });
    first++;
    second++;
  }
  Unrolled<rows>([&](auto i) {
    Unrolled<lanes>([&](auto j) {
      float* to = points.products.At(i) + j * kLane;
      _mm512_storeu_ps(to, sums[0][i][j]);
      _mm512_storeu_ps(to + points.products_apart, sums[1][i][j]);
    });
  });
}

// MultiplyPair() by the number of rows, from one up.
template <Pair pair, int lanes, int... rows>
constexpr auto PairMultipliersOf(std::integer_sequence<int, rows...>) {
  return std::array{&MultiplyPair<pair, rows + 1, lanes>...};
}
template <Pair pair, int lanes>
inline constexpr auto kPairMultipliers =
    PairMultipliersOf<pair, lanes>(std::make_integer_sequence<int, MostRows(2 * lanes)>());

}  // namespace semisup::plan
