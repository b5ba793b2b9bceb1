#include <immintrin.h>

#include <algorithm>

#include "winograd_kernels.h"

namespace semisup::plan {
namespace {

using Lane = __m512;
constexpr int64_t kLane = 16;
constexpr int kRows = 6;

inline Lane Scaled(float factor, Lane value) {
  return _mm512_mul_ps(_mm512_set1_ps(factor), value);
}
inline Lane PlusScaled(Lane sum, float factor, Lane value) {
  return _mm512_fmadd_ps(_mm512_set1_ps(factor), value, sum);
}

// One row of the input transform.
inline void TransformInput(const Lane (&d)[6], Lane (&v)[6]) {
  const Lane even = PlusScaled(d[4], -4, d[2]);
  const Lane odd = PlusScaled(d[3], -4, d[1]);
  const Lane near = _mm512_sub_ps(d[4], d[2]);
  const Lane far = Scaled(2, _mm512_sub_ps(d[3], d[1]));
  v[0] = PlusScaled(PlusScaled(d[4], -5, d[2]), 4, d[0]);
  v[1] = _mm512_add_ps(even, odd);
  v[2] = _mm512_sub_ps(even, odd);
  v[3] = _mm512_add_ps(near, far);
  v[4] = _mm512_sub_ps(near, far);
  v[5] = PlusScaled(PlusScaled(d[5], -5, d[3]), 4, d[1]);
}

// One row of the output transform.
inline void TransformOutput(const Lane (&m)[6], Lane (&y)[4]) {
  const Lane sum12 = _mm512_add_ps(m[1], m[2]);
  const Lane difference12 = _mm512_sub_ps(m[1], m[2]);
  const Lane sum34 = _mm512_add_ps(m[3], m[4]);
  const Lane difference34 = _mm512_sub_ps(m[3], m[4]);
  y[0] = _mm512_add_ps(_mm512_add_ps(m[0], sum12), sum34);
  y[1] = PlusScaled(difference12, 2, difference34);
  y[2] = PlusScaled(sum12, 4, sum34);
  y[3] = _mm512_add_ps(PlusScaled(difference12, 8, difference34), m[5]);
}

struct Place {
  int64_t image;
  int64_t y;
  int64_t x;
};

inline Place PlaceOf(const TileBlock& block, int64_t tile) {
  const int64_t within = tile % block.tiles_per_image;
  return {tile / block.tiles_per_image, within / block.tiles_across * 4,
          within % block.tiles_across * 4};
}

void TransformTiles(const TileBlock& block) {
  const int64_t step = block.count * block.inputs;
  for (int64_t t = 0; t < block.count; t++) {
    const auto [image, top, left] = PlaceOf(block, block.first + t);
    const float* pixels =
        block.images.input + image * block.images.height * block.images.width * block.inputs;
    for (int64_t c = 0; c < block.inputs; c += kLane) {
      Lane columns[6][6];
      for (int64_t i = 0; i < 6; i++) {
        const int64_t y = top + i - 1;
        Lane d[6];
        for (int64_t j = 0; j < 6; j++) {
          const int64_t x = left + j - 1;
          const bool inside = y >= 0 && y < block.images.height && x >= 0 && x < block.images.width;
          d[j] = inside ? _mm512_loadu_ps(pixels + (y * block.images.width + x) * block.inputs + c)
                        : _mm512_setzero_ps();
        }
        Lane v[6];
        TransformInput(d, v);
        for (int j = 0; j < 6; j++) columns[j][i] = v[j];
      }
      float* target = block.transformed + t * block.inputs + c;
      for (int j = 0; j < 6; j++) {
        Lane v[6];
        TransformInput(columns[j], v);
        for (int i = 0; i < 6; i++) _mm512_storeu_ps(target + (i * 6 + j) * step, v[i]);
      }
    }
  }
}

// [rows, depth] times [depth, 64].
template <int rows>
inline void MultiplyRows(const float* a, const float* panel, float* to, int64_t depth,
                         int64_t to_stride) {
  Lane sums[rows][4];
  for (auto& row : sums) {
    for (auto& sum : row) sum = _mm512_setzero_ps();
  }
  for (int64_t k = 0; k < depth; k++) {
    Lane b[4];
    for (int j = 0; j < 4; j++) b[j] = _mm512_loadu_ps(panel + k * kPanel + j * kLane);
    for (int i = 0; i < rows; i++) {
      const Lane factor = _mm512_set1_ps(a[i * depth + k]);
      for (int j = 0; j < 4; j++) sums[i][j] = _mm512_fmadd_ps(factor, b[j], sums[i][j]);
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < 4; j++) _mm512_storeu_ps(to + i * to_stride + j * kLane, sums[i][j]);
  }
}

void Multiply(const TileBlock& block) {
  for (int point = 0; point < kPoints; point++) {
    const float* a = block.transformed + point * block.count * block.inputs;
    float* to = block.products + point * block.count * block.outputs;
    for (int64_t o = 0; o < block.outputs; o += kPanel) {
      const float* panel = block.weight + (point * block.outputs + o) * block.inputs;
      int64_t row = 0;
      const auto run = [&]<int rows>() {
        MultiplyRows<rows>(a + row * block.inputs, panel, to + row * block.outputs + o,
                           block.inputs, block.outputs);
        row += rows;
      };
      while (row + kRows <= block.count) run.operator()<kRows>();
      switch (block.count - row) {
        case 5:
          run.operator()<5>();
          break;
        case 4:
          run.operator()<4>();
          break;
        case 3:
          run.operator()<3>();
          break;
        case 2:
          run.operator()<2>();
          break;
        case 1:
          run.operator()<1>();
          break;
      }
    }
  }
}

void WriteTiles(const TileBlock& block) {
  const int64_t step = block.count * block.outputs;
  for (int64_t t = 0; t < block.count; t++) {
    const auto [image, top, left] = PlaceOf(block, block.first + t);
    const int64_t corner =
        ((image * block.images.height + top) * block.images.width + left) * block.outputs;
    const int64_t rows = std::min<int64_t>(4, block.images.height - top);
    const int64_t columns = std::min<int64_t>(4, block.images.width - left);
    for (int64_t c = 0; c < block.outputs; c += kLane) {
      const float* source = block.products + t * block.outputs + c;
      Lane half[4][6];
      for (int j = 0; j < 6; j++) {
        Lane m[6];
        for (int i = 0; i < 6; i++) m[i] = _mm512_loadu_ps(source + (i * 6 + j) * step);
        Lane y[4];
        TransformOutput(m, y);
        for (int i = 0; i < 4; i++) half[i][j] = y[i];
      }
      const Lane bias = _mm512_loadu_ps(block.images.bias + c);
      for (int64_t i = 0; i < rows; i++) {
        Lane y[4];
        TransformOutput(half[i], y);
        for (int64_t j = 0; j < columns; j++) {
          const int64_t at = corner + (i * block.images.width + j) * block.outputs + c;
          Lane value = _mm512_add_ps(y[j], bias);
          if (block.images.other)
            value = _mm512_add_ps(value, _mm512_loadu_ps(block.images.other + at));
          if (block.images.rectify) value = _mm512_max_ps(value, _mm512_setzero_ps());
          _mm512_storeu_ps(block.images.output + at, value);
        }
      }
    }
  }
}

}  // namespace

void ConvolveTilesAvx512(const TileBlock& block) {
  TransformTiles(block);
  Multiply(block);
  WriteTiles(block);
}

}  // namespace semisup::plan
