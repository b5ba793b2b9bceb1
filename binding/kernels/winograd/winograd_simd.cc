#include <algorithm>
#include <tuple>

#include "kernels/elementwise/activate.h"
#include "kernels/prefetch.h"
#include "kernels/winograd/point_pairs.h"
#include "kernels/winograd/transforms.h"
#include "kernels/winograd/winograd_block.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

// The image and the top left output pixel of a tile.
struct TilePosition {
  int64_t image;
  int64_t y;
  int64_t x;
};

inline TilePosition PositionOf(const WinogradBlock& block, int64_t tile) {
  const int64_t within = tile % block.tiles_per_image;
  return {tile / block.tiles_per_image, within / block.tiles_per_row * block.shape.tile,
          within % block.tiles_per_row * block.shape.tile};
}

// The part of a tile that is within the output.
template <int tile>
struct OutputPatch {
  OutputPatch(const WinogradBlock& block, const TilePosition& position)
      : first(((position.image * block.arguments.height + position.y) * block.arguments.width +
               position.x) *
                  block.shape.output_channels +
              block.outputs.first),
        rows(std::min<int64_t>(tile, block.arguments.height - position.y)),
        columns(std::min<int64_t>(tile, block.arguments.width - position.x)) {}

  // The offset of the first output element.
  int64_t first;
  int64_t rows;
  int64_t columns;
};

template <int tile>
[[gnu::always_inline]]
inline void PrefetchOutput(const WinogradBlock& block, const TilePosition& position) {
  const auto& [arguments, shape] = std::tie(block.arguments, block.shape);
  const OutputPatch<tile> patch(block, position);
  for (int64_t i = 0; i < patch.rows; i++) {
    PrefetchRows<Cache::kL2>(
        arguments.output + patch.first + i * arguments.width * shape.output_channels, patch.columns,
        shape.output_channels, block.outputs.count);
  }
}

template <int tile>
void TransformInputs(const WinogradBlock& block) {
  constexpr int kSide = tile + 2;
  const auto& [arguments, shape, inputs] = std::tie(block.arguments, block.shape, block.inputs);
  const int64_t point_stride = PointStride(block.tiles, inputs);
  for (int64_t t = 0; t < block.tiles.count; t++) {
    const auto [image, top, left] = PositionOf(block, block.tiles.first + t);
    const float* pixels = arguments.input +
                          image * arguments.height * arguments.width * shape.input_channels +
                          inputs.first;
    PrefetchOutput<tile>(block, {image, top, left});
    for (int64_t c = 0; c < inputs.count; c += kVectorWidth) {
      Vector columns[kSide][kSide];
      for (int64_t i = 0; i < kSide; i++) {
        const int64_t y = top + i - 1;
        Vector d[kSide];
        for (int64_t j = 0; j < kSide; j++) {
          const int64_t x = left + j - 1;
          const bool is_inside = y >= 0 && y < arguments.height && x >= 0 && x < arguments.width;
          d[j] = is_inside ? Load(pixels + (y * arguments.width + x) * shape.input_channels + c)
                           : Zero();
        }
        Vector v[kSide];
        TransformInput(d, v);
        for (int j = 0; j < kSide; j++) columns[j][i] = v[j];
      }
      float* transformed = block.transformed + t * inputs.count + c;
      for (int j = 0; j < kSide; j++) {
        Vector v[kSide];
        TransformInput(columns[j], v);
        for (int i = 0; i < kSide; i++) {
          Store(transformed + (i * kSide + j) * point_stride, v[i]);
        }
      }
    }
  }
}

// Computes the products of one pair of points of a column, for the panel of outputs at `output`.
template <PointPair pair, int tile, int vectors>
void MultiplyPoints(const WinogradBlock& block, int column, int64_t output) {
  constexpr int kSide = tile + 2;
  // Each panel is read once per pair of points.
  constexpr int kPass = static_cast<int>(pair);
  constexpr int kPasses = kSide / 2;
  constexpr int kFirst = pair == PointPair::kEnds ? 0 : 2 * kPass - 1;
  constexpr int kSecond = pair == PointPair::kEnds ? kSide - 1 : 2 * kPass;
  const auto& [shape, inputs, outputs] = std::tie(block.shape, block.inputs, block.outputs);
  const int64_t depth = shape.group_inputs();
  const int64_t input_stride = PointStride(block.tiles, inputs);
  const int64_t product_stride = PointStride(block.tiles, outputs);
  const float* panel = block.weight + shape.PanelOffset(column, outputs.first + output);
  const bool is_last = output + vectors * kVectorWidth >= outputs.count;
  const float* next = is_last ? block.weight + shape.PanelOffset(column + 1, outputs.first)
                              : panel + 3 * depth * vectors * kVectorWidth;
  const int64_t point = kFirst * kSide + column;
  const int64_t distance = (kSecond - kFirst) * kSide;
  const int64_t micro_tiles = CeilDiv(block.tiles.count, MaxTileRows(2 * vectors));
  for (int64_t t = 0; t < micro_tiles; t++) {
    const auto rows = SplitRange(block.tiles.count, t, micro_tiles);
    const float* input = block.transformed + point * input_stride + rows.first * inputs.count;
    float* product = block.products + point * product_stride + rows.first * outputs.count + output;
    kPointPairMicroKernels<pair, vectors>[rows.count - 1](
        {.inputs = {input, inputs.count},
         .products = {product, outputs.count},
         .input_distance = distance * input_stride,
         .product_distance = distance * product_stride},
        PanelForTile<3 * vectors>(panel, depth, 1, next, kPass * micro_tiles + t,
                                  kPasses * micro_tiles));
  }
}

template <int tile, int vectors>
void Multiply(const WinogradBlock& block) {
  for (int column = 0; column < tile + 2; column++) {
    for (int64_t o = 0; o < block.outputs.count; o += vectors * kVectorWidth) {
      MultiplyPoints<PointPair::kEnds, tile, vectors>(block, column, o);
      MultiplyPoints<PointPair::kOnes, tile, vectors>(block, column, o);
      if constexpr (tile == 4) MultiplyPoints<PointPair::kTwos, tile, vectors>(block, column, o);
    }
  }
}

template <int tile>
void TransformOutputs(const WinogradBlock& block) {
  constexpr int kSide = tile + 2;
  const auto& [arguments, shape, outputs] = std::tie(block.arguments, block.shape, block.outputs);
  const int64_t point_stride = PointStride(block.tiles, outputs);
  const Vector bound = LowerBound(arguments.relu);
  for (int64_t t = 0; t < block.tiles.count; t++) {
    const OutputPatch<tile> patch(block, PositionOf(block, block.tiles.first + t));
    for (int64_t c = 0; c < outputs.count; c += kVectorWidth) {
      const float* products = block.products + t * outputs.count + c;
      Vector rows[tile][kSide];
      for (int j = 0; j < kSide; j++) {
        Vector m[kSide];
        for (int i = 0; i < kSide; i++) {
          m[i] = Load(products + (i * kSide + j) * point_stride);
        }
        Vector y[tile];
        TransformOutputColumn(m, y);
        for (int i = 0; i < tile; i++) rows[i][j] = y[i];
      }
      const Vector bias = Load(arguments.bias + outputs.first + c);
      for (int64_t i = 0; i < patch.rows; i++) {
        Vector y[tile];
        TransformOutputRow(rows[i], y);
        for (int64_t j = 0; j < patch.columns; j++) {
          const int64_t at = patch.first + (i * arguments.width + j) * shape.output_channels + c;
          Vector value = Add(y[j], bias);
          if (arguments.residual) {
            value = Add(value, Load(arguments.residual + at));
          }
          Store(arguments.output + at, AtLeast(bound, value));
        }
      }
    }
    for (int64_t i = 0; i < patch.rows; i++) {
      ActivateOutput(arguments.activation,
                     arguments.output + patch.first + i * arguments.width * shape.output_channels,
                     patch.columns, outputs.count, shape.output_channels);
    }
  }
}

template <int tile>
void RunBlock(const WinogradBlock& block) {
  TransformInputs<tile>(block);
  if constexpr (kWinogradVectors == 2) {
    if (block.shape.panel() == kVectorWidth)
      Multiply<tile, 1>(block);
    else
      Multiply<tile, 2>(block);
  } else {
    Multiply<tile, 1>(block);
  }
  TransformOutputs<tile>(block);
}

}  // namespace

void RunWinogradBlock(const WinogradBlock& block) {
  block.shape.tile == 4 ? RunBlock<4>(block) : RunBlock<2>(block);
}

}  // namespace semisup::kernels::SEMISUP_SIMD
