#include <algorithm>

#include "kernels/direct/direct_block.h"
#include "kernels/gemm.h"
#include "kernels/prefetch.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

constexpr int64_t kPanel = kPanelVectors * kVectorWidth;
// The depth of a pass: a panel of this depth stays in the L2 cache.
constexpr int64_t kMaxDepth = 640;

}  // namespace

// The kernel is computed in passes, each over some of its rows or, if a row is longer than
// kMaxDepth, over a section of one row. The output holds the partial sums between passes.
void RunDirectBlock(const DirectBlock& block) {
  const auto& output_block = block.output_block;
  const int64_t tiles = CeilDiv(output_block.count, MaxTileRows(kPanelVectors));
  const int64_t row_groups = CeilDiv(block.rows, std::max<int64_t>(1, kMaxDepth / block.row_size));
  const int64_t sections = CeilDiv(block.row_size, kMaxDepth);
  const int64_t passes = row_groups * sections;
  for (int64_t p = output_block.panels.first;
       p < output_block.panels.first + output_block.panels.count; p++) {
    const int64_t o = p * kPanel;
    const float* panel = block.weight + o * block.rows * block.row_size;
    const float* bias = block.bias ? block.bias + o : nullptr;
    for (int64_t pass = 0; pass < passes; pass++) {
      const auto rows = SplitRange(block.rows, pass / sections, row_groups);
      const auto section = SplitRange(block.row_size, pass % sections, sections);
      const float* next = panel + rows.count * section.count * kPanel;
      for (int64_t t = 0; t < tiles; t++) {
        const auto tile = SplitRange(output_block.count, t, tiles);
        const int64_t at = tile.first * output_block.output_channels + o;
        float* output = output_block.output + at;
        const float* residual = output_block.residual ? output_block.residual + at : nullptr;
        const Epilogue epilogue{.bias = pass == 0 ? bias : nullptr,
                                .addend = pass == 0 ? residual : output,
                                .relu = block.relu && pass == passes - 1};
        if (pass == 0) {
          PrefetchNextTile(output_block.output + o, output_block.count,
                           output_block.output_channels, kPanel, t, tiles);
        }
        const ScatteredRows windows{.starts = output_block.windows + tile.first,
                                    .offset = rows.first * output_block.row_stride + section.first,
                                    .k_blocks = rows.count,
                                    .k_block_stride = output_block.row_stride};
        kMicroKernels<kPanelVectors, float, ScatteredRows>[tile.count - 1](
            windows, PanelForTile<kPanelVectors>(panel, section.count, rows.count, next, t, tiles),
            {output, output_block.output_channels}, epilogue);
      }
      panel = next;
    }
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
