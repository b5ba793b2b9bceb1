#include <algorithm>

#include "kernels/direct/direct_block.h"
#include "kernels/elementwise/activate.h"
#include "kernels/gemm.h"
#include "kernels/prefetch.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

constexpr int64_t kPanel = kPanelVectors * kVectorWidth;
// The depth of a pass: a panel of this depth stays in the L2 cache.
constexpr int64_t kMaxDepth = 640;

// The kernel is computed in passes, each over some of a line's k-blocks or, if these are longer
// than kMaxDepth, over a section of one k-block. The output holds the partial sums between passes.
template <int vectors, bool is_partial>
void RunPanel(const DirectBlock& block, const PanelColumns& columns) {
  constexpr int64_t kWidth = vectors * kVectorWidth;
  const auto& taps = block.taps;
  const auto& output_block = block.output_block;
  const int64_t o = columns.first;
  const int64_t tiles = CeilDiv(output_block.count, MaxTileRows(vectors));
  const int64_t groups =
      CeilDiv(taps.k_blocks, std::max<int64_t>(1, kMaxDepth / taps.k_block_size));
  const int64_t sections = CeilDiv(taps.k_block_size, kMaxDepth);
  const int64_t passes = taps.lines * groups * sections;
  const float* panel = block.weight + o * taps.lines * taps.k_blocks * taps.k_block_size;
  const float* bias = block.bias ? block.bias + o : nullptr;
  for (int64_t pass = 0; pass < passes; pass++) {
    const int64_t line = pass / (groups * sections);
    const auto k_blocks = SplitRange(taps.k_blocks, pass / sections % groups, groups);
    const auto section = SplitRange(taps.k_block_size, pass % sections, sections);
    const float* next = panel + k_blocks.count * section.count * kWidth;
    for (int64_t t = 0; t < tiles; t++) {
      const auto tile = SplitRange(output_block.count, t, tiles);
      const int64_t at = tile.first * output_block.output_channels + o;
      float* output = output_block.output + at;
      const float* residual = output_block.residual ? output_block.residual + at : nullptr;
      const Epilogue epilogue{.bias = pass == 0 ? bias : nullptr,
                              .addend = pass == 0 ? residual : output,
                              .relu = block.relu && pass == passes - 1,
                              .last_columns = columns.last_columns()};
      if (pass == 0) {
        PrefetchNextTile(output_block.output + o, output_block.count, output_block.output_channels,
                         kWidth, t, tiles);
      }
      const ScatteredRows windows{
          .starts = output_block.windows + tile.first,
          .offset = line * taps.line_stride + k_blocks.first * taps.k_block_stride + section.first,
          .k_blocks = k_blocks.count,
          .k_block_stride = taps.k_block_stride};
      kMicroKernels<vectors, float, ScatteredRows, is_partial>[tile.count - 1](
          windows, PanelForTile<vectors>(panel, section.count, k_blocks.count, next, t, tiles),
          {output, output_block.output_channels}, epilogue);
      if (pass == passes - 1) {
        ActivateOutput(block.activation, output, tile.count, columns.count(),
                       output_block.output_channels);
      }
    }
    panel = next;
  }
}

}  // namespace

void RunDirectBlock(const DirectBlock& block) {
  const auto& [first, count] = block.output_block.panels;
  for (int64_t p = first; p < first + count; p++) {
    const PanelColumns columns{.first = p * kPanel, .columns = block.output_block.output_channels};
    WithPanelWidth(columns, [&](auto vectors, auto is_partial) {
      RunPanel<vectors, is_partial>(block, columns);
    });
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
