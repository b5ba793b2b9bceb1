#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>

#include "kernels/bfloat16/bfloat16_winograd_block.h"
#include "kernels/bfloat16/round_avx512.h"

namespace semisup::kernels {
namespace {

constexpr int kTile = kBFloat16WinogradTile;
constexpr int kSide = kBFloat16WinogradSide;
constexpr int kPoints = kBFloat16WinogradPoints;
constexpr int64_t kVectorChannels = kAvx512Panel.sums;
constexpr int64_t kPanelChannels = kAvx512Panel.channels();

inline __m512 Load(const BFloat16* values) {
  return ToFloats(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values)));
}

inline void Store(BFloat16* values, __m512 value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(values),
                      std::bit_cast<__m256i>(_mm512_cvtneps_pbh(value)));
}

// One dimension of the input transform.
[[gnu::always_inline]]
inline void TransformInput(const __m512 (&d)[kSide], __m512 (&v)[kSide]) {
  v[0] = _mm512_sub_ps(d[0], d[2]);
  v[1] = _mm512_add_ps(d[1], d[2]);
  v[2] = _mm512_sub_ps(d[2], d[1]);
  v[3] = _mm512_sub_ps(d[1], d[3]);
}

// One dimension of the output transform.
[[gnu::always_inline]]
inline void TransformOutput(const __m512 (&m)[kSide], __m512 (&y)[kTile]) {
  y[0] = _mm512_add_ps(_mm512_add_ps(m[0], m[1]), m[2]);
  y[1] = _mm512_sub_ps(_mm512_sub_ps(m[1], m[2]), m[3]);
}

// The image and the top left output pixel of a tile.
struct TilePosition {
  int64_t image;
  int64_t y;
  int64_t x;
};

inline TilePosition PositionOf(const BFloat16WinogradBlock& block, int64_t tile) {
  const int64_t within = tile % block.tiles_per_image;
  return {tile / block.tiles_per_image, within / block.tiles_per_row * kTile,
          within % block.tiles_per_row * kTile};
}

void TransformInputs(const BFloat16WinogradBlock& block) {
  const auto& arguments = block.arguments;
  const int64_t channels = block.shape.input_channels;
  const int64_t point_stride = block.input_stride();
  for (int64_t t = 0; t < block.tiles.count; t++) {
    const auto [image, top, left] = PositionOf(block, block.tiles.first + t);
    const BFloat16* pixels =
        arguments.input + image * arguments.height * arguments.width * channels;
    const BFloat16* at[kSide][kSide];
    for (int64_t i = 0; i < kSide; i++) {
      for (int64_t j = 0; j < kSide; j++) {
        const int64_t y = top + i - 1;
        const int64_t x = left + j - 1;
        const bool is_inside = y >= 0 && y < arguments.height && x >= 0 && x < arguments.width;
        at[i][j] = is_inside ? pixels + (y * arguments.width + x) * channels : nullptr;
      }
    }
    BFloat16* transformed = block.transformed + t * channels;
    for (int64_t c = 0; c < channels; c += kVectorChannels) {
      __m512 columns[kSide][kSide];
      Unroll<kSide>([&](auto i) {
        __m512 d[kSide];
        Unroll<kSide>([&](auto j) { d[j] = at[i][j] ? Load(at[i][j] + c) : _mm512_setzero_ps(); });
        __m512 v[kSide];
        TransformInput(d, v);
        Unroll<kSide>([&](auto j) { columns[j][i] = v[j]; });
      });
      Unroll<kSide>([&](auto j) {
        __m512 v[kSide];
        TransformInput(columns[j], v);
        Unroll<kSide>(
            [&](auto i) { Store(transformed + (i * kSide + j) * point_stride + c, v[i]); });
      });
    }
  }
}

// The products of a point, as a Block of ComputeDotTile().
struct PointProducts {
  DotWeights<BFloat16> weights;
  // [tiles, stride].
  float* products;
  int64_t stride;
  struct {
    int64_t row_stride = 0;
  } output_block = {};
};

struct ProductKernel : DotInstructions {
  using Block = PointProducts;

  static Sum Initial(const Block&, int64_t) { return _mm512_setzero_ps(); }
  template <int tiles>
  static void Finish(const Block& block, const DotCorner& corner, Sum (&sums)[tiles][kVectors]) {
    float* products = block.products + corner.pixel * block.stride + corner.channel;
    Unroll<tiles>([&](auto i) {
      Unroll<kVectors>([&](auto j) {
        _mm512_storeu_ps(products + i * block.stride + j * kVectorChannels, sums[i][j]);
      });
    });
  }
};

void Multiply(const BFloat16WinogradBlock& block) {
  const auto& [shape, outputs] = std::tie(block.shape, block.outputs);
  const int64_t depth = shape.input_channels;
  const int64_t lanes = block.weights.lanes();
  const int64_t micro_tiles = CeilDiv(block.tiles.count, ProductKernel::kPixels);
  // Each micro-tile prefetches its share of the next panel, at most a cache line per lane.
  const int64_t prefetch_step =
      std::min(kCacheLineBytes, CeilDiv(kPanelChannels * kLaneBytes, micro_tiles));
  for (int64_t point = 0; point < kPoints; point++) {
    const PointProducts products{.weights = block.weights,
                                 .products = block.products + point * block.product_stride(),
                                 .stride = outputs.count};
    const BFloat16* inputs = block.transformed + point * block.input_stride();
    for (int64_t o = 0; o < outputs.count; o += kPanelChannels) {
      const bool is_last = o + kPanelChannels == outputs.count;
      const auto* next = reinterpret_cast<const char*>(
          is_last ? block.PanelOf(point + 1, outputs.first)
                  : block.PanelOf(point, outputs.first + o + kPanelChannels));
      for (int64_t t = 0; t < micro_tiles; t++) {
        const auto [first, count] = SplitRange(block.tiles.count, t, micro_tiles);
        const BFloat16* windows[ProductKernel::kPixels];
        for (int64_t i = 0; i < count; i++) windows[i] = inputs + (first + i) * depth;
        kDotMicroKernels<ProductKernel>[count - 1](
            products, {.windows = windows,
                       .weights = block.PanelOf(point, outputs.first + o),
                       .prefetch = next + t * prefetch_step * lanes,
                       .prefetch_step = prefetch_step,
                       .corner = {.pixel = first, .channel = o}});
      }
    }
  }
}

void TransformOutputs(const BFloat16WinogradBlock& block) {
  const auto& arguments = block.arguments;
  const auto& shape = block.shape;
  const auto outputs = block.outputs;
  const int64_t point_stride = block.product_stride();
  const __m512 bound = _mm512_set1_ps(arguments.relu ? 0 : -std::numeric_limits<float>::infinity());
  for (int64_t t = 0; t < block.tiles.count; t++) {
    const auto [image, top, left] = PositionOf(block, block.tiles.first + t);
    const int64_t patch =
        ((image * arguments.height + top) * arguments.width + left) * shape.output_channels +
        outputs.first;
    const int64_t rows = std::min<int64_t>(kTile, arguments.height - top);
    const int64_t columns = std::min<int64_t>(kTile, arguments.width - left);
    for (int64_t c = 0; c < outputs.count; c += kVectorChannels) {
      const float* products = block.products + t * outputs.count + c;
      __m512 by_row[kTile][kSide];
      Unroll<kSide>([&](auto j) {
        __m512 m[kSide];
        Unroll<kSide>(
            [&](auto i) { m[i] = _mm512_loadu_ps(products + (i * kSide + j) * point_stride); });
        __m512 y[kTile];
        TransformOutput(m, y);
        Unroll<kTile>([&](auto i) { by_row[i][j] = y[i]; });
      });
      const __m512 bias = arguments.bias ? _mm512_loadu_ps(arguments.bias + outputs.first + c)
                                         : _mm512_setzero_ps();
      Unroll<kTile>([&](auto i) {
        __m512 y[kTile];
        TransformOutput(by_row[i], y);
        Unroll<kTile>([&](auto j) {
          if (i >= rows || j >= columns) return;
          const int64_t at = patch + (i * arguments.width + j) * shape.output_channels + c;
          __m512 value = _mm512_add_ps(y[j], bias);
          if (arguments.residual) value = _mm512_add_ps(value, Load(arguments.residual + at));
          // NaN where `value` is NaN.
          Store(arguments.output + at, _mm512_max_ps(bound, value));
        });
      });
    }
  }
}

}  // namespace

void RunBFloat16WinogradBlockAvx512(const BFloat16WinogradBlock& block) {
  TransformInputs(block);
  Multiply(block);
  TransformOutputs(block);
}

}  // namespace semisup::kernels
