#pragma once
// For what is compiled for processors with AVX-512, and runs on those alone.
#include <immintrin.h>

#include <array>
#include <cstdint>
#include <utility>

#include "processor.h"

namespace semisup::plan {

using Lane = __m512;

// A matrix whose rows lie `stride` apart.
template <class T>
struct Rows {
  T* data;
  int64_t stride;
};

// What a product begins with and ends with.
struct Around {
  // One for each column, or null.
  const float* bias;
  // Of the product's rows, as far apart, or null; may be the product itself.
  const float* sums;
  bool rectify;
};

// A panel of weights, [depth, lanes * kLane].
struct Panel {
  const float* weights;
  int64_t depth;
  // Weights that will be wanted next: a line of them is fetched for each line of depth, without
  // which the processor waits for memory where few rows share the weights.
  const float* next;
};

// [rows, depth] times a panel.
template <int rows, int lanes>
void MultiplyRows(const Rows<const float>& a, const Panel& panel, const Rows<float>& to,
                  const Around& around) {
  Lane sums[rows][lanes];
  for (int j = 0; j < lanes; j++) {
    const Lane bias = around.bias ? _mm512_loadu_ps(around.bias + j * kLane) : _mm512_setzero_ps();
    for (int i = 0; i < rows; i++) sums[i][j] = bias;
  }
  if (around.sums) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < lanes; j++) {
        const Lane sum = _mm512_loadu_ps(around.sums + i * to.stride + j * kLane);
        sums[i][j] = _mm512_add_ps(sums[i][j], sum);
      }
    }
  }
  for (int64_t k = 0; k < panel.depth; k++) {
    _mm_prefetch(reinterpret_cast<const char*>(panel.next + k * kLane), _MM_HINT_T1);
    Lane b[lanes];
    for (int j = 0; j < lanes; j++) {
      b[j] = _mm512_loadu_ps(panel.weights + (k * lanes + j) * kLane);
    }
    for (int i = 0; i < rows; i++) {
      const Lane factor = _mm512_set1_ps(a.data[i * a.stride + k]);
      for (int j = 0; j < lanes; j++) sums[i][j] = _mm512_fmadd_ps(factor, b[j], sums[i][j]);
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < lanes; j++) {
      const Lane sum = around.rectify ? _mm512_max_ps(sums[i][j], _mm512_setzero_ps()) : sums[i][j];
      _mm512_storeu_ps(to.data + i * to.stride + j * kLane, sum);
    }
  }
}

// How many rows of so many lanes leave registers for the weights.
constexpr int MostRows(int lanes) { return 24 / lanes; }

// MultiplyRows() by the number of rows, from one up.
template <int lanes, int... rows>
constexpr auto MultipliersOf(std::integer_sequence<int, rows...>) {
  return std::array{&MultiplyRows<rows + 1, lanes>...};
}
template <int lanes>
inline constexpr auto kMultipliers =
    MultipliersOf<lanes>(std::make_integer_sequence<int, MostRows(lanes)>());

}  // namespace semisup::plan
