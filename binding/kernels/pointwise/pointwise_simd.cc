#include "kernels/elementwise/activate.h"
#include "kernels/gemm.h"
#include "kernels/pointwise/pointwise_block.h"
#include "kernels/prefetch.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

constexpr int64_t kPanel = kPanelVectors * kVectorWidth;
// The maximum depth of a k-block: a panel of this depth stays in the L2 cache.
constexpr int64_t kMaxDepth = 512;
// Weights of at most this size stay in the L2 cache beside the outputs of a micro-tile.
constexpr int64_t kMaxWeightBytes = 1 << 20;

template <class Weight>
PanelColumns ColumnsOf(const PointwiseBlock<Weight>& block, int64_t o) {
  return {.first = o, .columns = block.output_channels};
}

// Computes a micro-tile: the pixels `tile`, relative to the block's, of the panel of outputs at
// `o`. `depth` is the k-block; the output holds the partial sums between k-blocks.
template <int vectors, bool is_partial, class Weight>
void RunTile(const PointwiseBlock<Weight>& block, const Range& tile, int64_t o, const Range& depth,
             const Panel<Weight>& panel) {
  const auto& arguments = block.arguments;
  const int64_t pixel = block.pixels.first + tile.first;
  const int64_t at = pixel * block.output_channels + o;
  float* output = arguments.output + at;
  const bool is_first = depth.first == 0;
  const bool is_last = depth.first + depth.count == block.input_channels;
  const float* residual = arguments.residual ? arguments.residual + at : nullptr;
  const float* bias = arguments.bias ? arguments.bias + o : nullptr;
  const Epilogue epilogue{.bias = is_first ? bias : nullptr,
                          .addend = is_first ? residual : output,
                          .relu = arguments.relu && is_last,
                          .last_columns = ColumnsOf(block, o).last_columns()};
  kMicroKernels<vectors, Weight, StridedRows<const float>, is_partial>[tile.count - 1](
      {arguments.input + pixel * block.input_channels + depth.first, block.input_channels}, panel,
      {output, block.output_channels}, epilogue);
  if (is_last) {
    ActivateOutput(arguments.activation, output, tile.count, ColumnsOf(block, o).count(),
                   block.output_channels);
  }
}

// Computes the panel of outputs at `o`.
template <int vectors, bool is_partial, class Weight>
void RunPanel(const PointwiseBlock<Weight>& block, int64_t o) {
  constexpr int64_t kWidth = vectors * kVectorWidth;
  const auto& [arguments, weight, input_channels, output_channels, pixels, outputs] = block;
  const int64_t tiles = CeilDiv(pixels.count, MaxTileRows(vectors));
  const int64_t k_blocks = CeilDiv(input_channels, kMaxDepth);
  for (int64_t k = 0; k < k_blocks; k++) {
    const auto depth = SplitRange(input_channels, k, k_blocks);
    const Weight* panel = weight + o * input_channels + depth.first * kWidth;
    const Weight* next = panel + depth.count * kWidth;
    for (int64_t t = 0; t < tiles; t++) {
      if (k == 0) {
        PrefetchNextTile(arguments.output + pixels.first * output_channels + o, pixels.count,
                         output_channels, kWidth, t, tiles);
      }
      RunTile<vectors, is_partial>(block, SplitRange(pixels.count, t, tiles), o, depth,
                                   PanelForTile<vectors>(panel, depth.count, 1, next, t, tiles));
    }
  }
}

// Computes one panel of outputs after the other, so that each weight is read once.
template <class Weight>
void RunByPanels(const PointwiseBlock<Weight>& block) {
  const auto& outputs = block.outputs;
  for (int64_t o = outputs.first; o < outputs.first + outputs.count; o += kPanel) {
    WithPanelWidth(ColumnsOf(block, o),
                   [&](auto vectors, auto is_partial) { RunPanel<vectors, is_partial>(block, o); });
  }
}

// Computes one row of micro-tiles after the other, so that the outputs are written in their order:
// one cache line of each pixel in turns, as RunByPanels() would write narrow panels, is slow.
template <class Weight>
void RunByTiles(const PointwiseBlock<Weight>& block) {
  const auto& [arguments, weight, input_channels, output_channels, pixels, outputs] = block;
  const int64_t tiles = CeilDiv(pixels.count, MaxTileRows(kPanelVectors));
  for (int64_t t = 0; t < tiles; t++) {
    const auto tile = SplitRange(pixels.count, t, tiles);
    for (int64_t o = outputs.first; o < outputs.first + outputs.count; o += kPanel) {
      const bool is_last = o + kPanel >= outputs.first + outputs.count;
      if (!is_last) {
        PrefetchRows<Cache::kL1>(
            arguments.output + (pixels.first + tile.first) * output_channels + o + kPanel,
            tile.count, output_channels, kPanel);
      }
      const Weight* panel = weight + o * input_channels;
      const auto& depth = input_channels;
      WithPanelWidth(ColumnsOf(block, o), [&](auto vectors, auto is_partial) {
        RunTile<vectors, is_partial>(
            block, tile, o, {0, depth},
            PanelForTile<vectors>(panel, depth, 1, panel + depth * vectors * kVectorWidth, 0, 1));
      });
    }
  }
}

template <class Weight>
void RunBlock(const PointwiseBlock<Weight>& block) {
  constexpr bool kIsNarrow = kPanel * static_cast<int64_t>(sizeof(float)) == kCacheLineBytes;
  const int64_t weight_bytes =
      block.input_channels * block.outputs.count * static_cast<int64_t>(sizeof(Weight));
  if (kIsNarrow && weight_bytes <= kMaxWeightBytes) {
    RunByTiles(block);
  } else {
    RunByPanels(block);
  }
}

}  // namespace

void RunPointwiseBlock(const PointwiseBlock<float>& block) { RunBlock(block); }
void RunPointwiseBlock(const PointwiseBlock<BFloat16>& block) { RunBlock(block); }

}  // namespace semisup::kernels::SEMISUP_SIMD
