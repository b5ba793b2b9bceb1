#include <algorithm>
#include <tuple>

#include "fetch.h"
#include "multiply_avx512.h"
#include "winograd_kernels.h"

namespace semisup::plan {
namespace {

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

inline void TransformInput(const Lane (&d)[4], Lane (&v)[4]) {
  v[0] = _mm512_sub_ps(d[0], d[2]);
  v[1] = _mm512_add_ps(d[1], d[2]);
  v[2] = _mm512_sub_ps(d[2], d[1]);
  v[3] = _mm512_sub_ps(d[3], d[1]);
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

inline void TransformOutput(const Lane (&m)[4], Lane (&y)[2]) {
  y[0] = _mm512_add_ps(_mm512_add_ps(m[0], m[1]), m[2]);
  y[1] = _mm512_add_ps(_mm512_sub_ps(m[1], m[2]), m[3]);
}

struct Place {
  int64_t image;
  int64_t y;
  int64_t x;
};

inline Place PlaceOf(const TileBlock& block, int64_t tile) {
  const int64_t within = tile % block.tiles_per_image;
  return {tile / block.tiles_per_image, within / block.tiles_across * block.shape.tile,
          within % block.tiles_across * block.shape.tile};
}

// What the tile at a place has of the output.
template <int tile>
struct Patch {
  Patch(const TileBlock& block, const Place& place)
      : first(((place.image * block.images.height + place.y) * block.images.width + place.x) *
                  block.shape.outputs +
              block.outputs.first),
        rows(std::min<int64_t>(tile, block.images.height - place.y)),
        columns(std::min<int64_t>(tile, block.images.width - place.x)) {}

  int64_t first;
  int64_t rows;
  int64_t columns;
};

template <int tile>
[[gnu::always_inline]]
inline void FetchOutput(const TileBlock& block, const Place& place) {
  const auto& [images, shape] = std::tie(block.images, block.shape);
  const Patch<tile> patch(block, place);
  for (int64_t i = 0; i < patch.rows; i++) {
    FetchRows<_MM_HINT_T1>(images.output + patch.first + i * images.width * shape.outputs,
                           patch.columns, shape.outputs, block.outputs.count);
  }
}

template <int tile>
void TransformTiles(const TileBlock& block) {
  constexpr int kSide = tile + 2;
  const auto& [images, shape, inputs] = std::tie(block.images, block.shape, block.inputs);
  const int64_t step = StepOf(block.tiles, inputs);
  for (int64_t t = 0; t < block.tiles.count; t++) {
    const auto [image, top, left] = PlaceOf(block, block.tiles.first + t);
    const float* pixels =
        images.input + image * images.height * images.width * shape.inputs + inputs.first;
    FetchOutput<tile>(block, {image, top, left});
    for (int64_t c = 0; c < inputs.count; c += kLane) {
      Lane columns[kSide][kSide];
      for (int64_t i = 0; i < kSide; i++) {
        const int64_t y = top + i - 1;
        Lane d[kSide];
        for (int64_t j = 0; j < kSide; j++) {
          const int64_t x = left + j - 1;
          const bool inside = y >= 0 && y < images.height && x >= 0 && x < images.width;
          d[j] = inside ? _mm512_loadu_ps(pixels + (y * images.width + x) * shape.inputs + c)
                        : _mm512_setzero_ps();
        }
        Lane v[kSide];
        TransformInput(d, v);
        for (int j = 0; j < kSide; j++) columns[j][i] = v[j];
      }
      float* target = block.transformed + t * inputs.count + c;
      for (int j = 0; j < kSide; j++) {
        Lane v[kSide];
        TransformInput(columns[j], v);
        for (int i = 0; i < kSide; i++) _mm512_storeu_ps(target + (i * kSide + j) * step, v[i]);
      }
    }
  }
}

template <int lanes>
void Multiply(const TileBlock& block) {
  const auto& [shape, inputs, outputs] = std::tie(block.shape, block.inputs, block.outputs);
  const int64_t depth = shape.group_inputs();
  const int64_t tiles = block.tiles.count;
  const int64_t strips = CeilOf(tiles, MostRows(lanes));
  for (int point = 0; point < shape.points(); point++) {
    const float* a = block.transformed + point * StepOf(block.tiles, inputs);
    float* to = block.products + point * StepOf(block.tiles, outputs);
    for (int64_t o = 0; o < outputs.count; o += lanes * kLane) {
      const float* panel = block.weight + shape.PanelAt(point, outputs.first + o);
      const bool is_last = o + lanes * kLane >= outputs.count;
      const float* next = is_last ? block.weight + shape.PanelAt(point + 1, outputs.first)
                                  : panel + depth * lanes * kLane;
      for (int64_t s = 0; s < strips; s++) {
        const auto strip = ShareOf(tiles, s, strips);
        kMultipliers<lanes>[strip.count - 1]({a + strip.first * inputs.count, inputs.count},
                                             PanelOf<lanes>(panel, depth, 1, next, s, strips),
                                             {to + strip.first * outputs.count + o, outputs.count},
                                             {});
      }
    }
  }
}

template <int tile>
void WriteTiles(const TileBlock& block) {
  constexpr int kSide = tile + 2;
  const auto& [images, shape, outputs] = std::tie(block.images, block.shape, block.outputs);
  const int64_t step = StepOf(block.tiles, outputs);
  const Lane least = LeastOf(images.rectify);
  for (int64_t t = 0; t < block.tiles.count; t++) {
    const Patch<tile> patch(block, PlaceOf(block, block.tiles.first + t));
    for (int64_t c = 0; c < outputs.count; c += kLane) {
      const float* source = block.products + t * outputs.count + c;
      Lane half[tile][kSide];
      for (int j = 0; j < kSide; j++) {
        Lane m[kSide];
        for (int i = 0; i < kSide; i++) m[i] = _mm512_loadu_ps(source + (i * kSide + j) * step);
        Lane y[tile];
        TransformOutput(m, y);
        for (int i = 0; i < tile; i++) half[i][j] = y[i];
      }
      const Lane bias = _mm512_loadu_ps(images.bias + outputs.first + c);
      for (int64_t i = 0; i < patch.rows; i++) {
        Lane y[tile];
        TransformOutput(half[i], y);
        for (int64_t j = 0; j < patch.columns; j++) {
          const int64_t at = patch.first + (i * images.width + j) * shape.outputs + c;
          Lane value = _mm512_add_ps(y[j], bias);
          if (images.other) value = _mm512_add_ps(value, _mm512_loadu_ps(images.other + at));
          _mm512_storeu_ps(images.output + at, _mm512_max_ps(least, value));
        }
      }
    }
  }
}

template <int tile>
void Convolve(const TileBlock& block) {
  TransformTiles<tile>(block);
  switch (block.shape.panel() / kLane) {
    case 4:
      Multiply<4>(block);
      break;
    case 2:
      Multiply<2>(block);
      break;
    default:
      Multiply<1>(block);
  }
  WriteTiles<tile>(block);
}

}  // namespace

void ConvolveTilesAvx512(const TileBlock& block) {
  block.shape.tile == 4 ? Convolve<4>(block) : Convolve<2>(block);
}

}  // namespace semisup::plan
