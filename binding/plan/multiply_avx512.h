#pragma once
// For what is compiled for processors with AVX-512, and runs on those alone.
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "processor.h"
#include "slices.h"
#include "unrolled.h"

namespace semisup::plan {

using Lane = __m512;

// What no result is below. As the first term of _mm512_max_ps() it leaves what is no number.
inline Lane LeastOf(bool rectify) {
  return _mm512_set1_ps(rectify ? 0 : -std::numeric_limits<float>::infinity());
}

// A matrix whose rows lie `stride` apart.
template <class T>
struct Rows {
  T* data;
  int64_t stride;

  // Rows are in one piece.
  static constexpr int64_t pieces = 1;
  static constexpr int64_t step = 0;
  T* At(int64_t row) const { return data + row * stride; }
};

// A matrix whose rows lie anywhere, in pieces that lie `step` apart.
struct ScatteredRows {
  const float* const* starts;
  // Where in a row the first piece begins.
  int64_t offset;
  int64_t pieces;
  int64_t step;

  const float* At(int64_t row) const { return starts[row] + offset; }
};

// What a product begins with and ends with.
struct Around {
  // One for each column, or null.
  const float* bias;
  // Of the product's rows, as far apart, or null; may be the product itself.
  const float* sums;
  bool rectify;
};

// A panel of weights, [pieces, depth, lanes * kLane], of float or BFloat16.
template <class Weight>
struct Panel {
  const Weight* weights;
  // Of a piece of a row.
  int64_t depth;
  // Weights that will be wanted next: lines of them are fetched with each of the depth, `next_step`
  // bytes on, without which the processor waits for memory where few rows share the weights.
  const Weight* next;
  int64_t next_step;
};

// The panel that strip `index` of `strips` is multiplied by: each fetches its share of the next.
template <int lanes, class Weight>
Panel<Weight> PanelOf(const Weight* weights, int64_t depth, int64_t pieces, const Weight* next,
                      int64_t index, int64_t strips) {
  constexpr int64_t kBytes = lanes * kLane * static_cast<int64_t>(sizeof(Weight));
  const int64_t step = std::min(2 * kLine, CeilOf(kBytes, strips));
  return {weights, depth,
          next + index * step * depth * pieces / static_cast<int64_t>(sizeof(Weight)), step};
}

inline Lane LaneAt(const float* numbers) { return _mm512_loadu_ps(numbers); }
inline Lane LaneAt(const BFloat16* numbers) {
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(numbers));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

// Rows times a panel. All is given by value: what a store may change is read again.
template <int rows, int lanes, class Weight, class Matrix>
void MultiplyRows(Matrix a, Panel<Weight> panel, Rows<float> to, Around around) {
  Lane sums[rows][lanes];
  Unrolled<lanes>([&](auto j) {
    const Lane bias = around.bias ? _mm512_loadu_ps(around.bias + j * kLane) : _mm512_setzero_ps();
    Unrolled<rows>([&](auto i) { sums[i][j] = bias; });
  });
  if (around.sums) {
    Unrolled<rows>([&](auto i) {
      Unrolled<lanes>([&](auto j) {
        const Lane sum = _mm512_loadu_ps(around.sums + i * to.stride + j * kLane);
        sums[i][j] = _mm512_add_ps(sums[i][j], sum);
      });
    });
  }
  const float* at[rows];
  Unrolled<rows>([&](auto i) { at[i] = a.At(i); });
  for (int64_t piece = 0; piece < a.pieces; piece++) {
    for (int64_t k = 0; k < panel.depth; k++) {
      const char* next = reinterpret_cast<const char*>(panel.next) + k * panel.next_step;
      _mm_prefetch(next, _MM_HINT_T1);
      _mm_prefetch(next + kLine, _MM_HINT_T1);
      Lane b[lanes];
      Unrolled<lanes>([&](auto j) { b[j] = LaneAt(panel.weights + (k * lanes + j) * kLane); });
      Unrolled<rows>([&](auto i) {
        const Lane factor = _mm512_set1_ps(at[i][k]);
        Unrolled<lanes>([&](auto j) { sums[i][j] = _mm512_fmadd_ps(factor, b[j], sums[i][j]); });
      });
    }
    if (piece + 1 == a.pieces) break;
    Unrolled<rows>([&](auto i) { at[i] += a.step; });
    panel.weights += panel.depth * lanes * kLane;
    panel.next += panel.depth * panel.next_step / static_cast<int64_t>(sizeof(Weight));
  }
  const Lane least = LeastOf(around.rectify);
  Unrolled<rows>([&](auto i) {
    Unrolled<lanes>([&](auto j) {
      _mm512_storeu_ps(to.data + i * to.stride + j * kLane, _mm512_max_ps(least, sums[i][j]));
    });
  });
}

// How many rows of so many lanes leave registers for the weights.
constexpr int MostRows(int lanes) { return 24 / lanes; }

// MultiplyRows() by the number of rows, from one up.
template <int lanes, class Weight, class Matrix, int... rows>
constexpr auto MultipliersOf(std::integer_sequence<int, rows...>) {
  return std::array{&MultiplyRows<rows + 1, lanes, Weight, Matrix>...};
}
template <int lanes, class Weight = float, class Matrix = Rows<const float>>
inline constexpr auto kMultipliers =
    MultipliersOf<lanes, Weight, Matrix>(std::make_integer_sequence<int, MostRows(lanes)>());

}  // namespace semisup::plan
