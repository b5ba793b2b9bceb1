#include <algorithm>
#include <tuple>

#include "fetch.h"
#include "winograd_kernels.h"
#include "winograd_pairs_avx512.h"
#include "winograd_transforms_avx512.h"

namespace semisup::plan {
namespace {

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

// The products of one pair of points of a column, for a panel of outputs from `output` on.
template <Pair pair, int tile, int lanes>
void MultiplyPoints(const TileBlock& block, int column, int64_t output) {
  constexpr int kSide = tile + 2;
  // Which pass over the panel it is, of how many.
  constexpr int kPass = static_cast<int>(pair);
  constexpr int kPasses = kSide / 2;
  constexpr int kFirst = pair == Pair::kEnds ? 0 : 2 * kPass - 1;
  constexpr int kSecond = pair == Pair::kEnds ? kSide - 1 : 2 * kPass;
  const auto& [shape, inputs, outputs] = std::tie(block.shape, block.inputs, block.outputs);
  const int64_t depth = shape.group_inputs();
  const int64_t input_step = StepOf(block.tiles, inputs);
  const int64_t product_step = StepOf(block.tiles, outputs);
  const float* panel = block.weight + shape.PanelAt(column, outputs.first + output);
  const bool is_last = output + lanes * kLane >= outputs.count;
  const float* next = is_last ? block.weight + shape.PanelAt(column + 1, outputs.first)
                              : panel + 3 * depth * lanes * kLane;
  const int64_t point = kFirst * kSide + column;
  const int64_t apart = (kSecond - kFirst) * kSide;
  const int64_t strips = CeilOf(block.tiles.count, MostRows(2 * lanes));
  for (int64_t s = 0; s < strips; s++) {
    const auto strip = ShareOf(block.tiles.count, s, strips);
    const float* from = block.transformed + point * input_step + strip.first * inputs.count;
    float* to = block.products + point * product_step + strip.first * outputs.count + output;
    kPairMultipliers<pair, lanes>[strip.count - 1](
        {.inputs = {from, inputs.count},
         .products = {to, outputs.count},
         .inputs_apart = apart * input_step,
         .products_apart = apart * product_step},
        PanelOf<3 * lanes>(panel, depth, 1, next, kPass * strips + s, kPasses * strips));
  }
}

template <int tile, int lanes>
void Multiply(const TileBlock& block) {
  for (int column = 0; column < tile + 2; column++) {
    for (int64_t o = 0; o < block.outputs.count; o += lanes * kLane) {
      MultiplyPoints<Pair::kEnds, tile, lanes>(block, column, o);
      MultiplyPoints<Pair::kOnes, tile, lanes>(block, column, o);
      if constexpr (tile == 4) MultiplyPoints<Pair::kTwos, tile, lanes>(block, column, o);
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
        TransformColumn(m, y);
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
  block.shape.panel() == kLane ? Multiply<tile, 1>(block) : Multiply<tile, 2>(block);
  WriteTiles<tile>(block);
}

}  // namespace

void ConvolveTilesAvx512(const TileBlock& block) {
  block.shape.tile == 4 ? Convolve<4>(block) : Convolve<2>(block);
}

}  // namespace semisup::plan
