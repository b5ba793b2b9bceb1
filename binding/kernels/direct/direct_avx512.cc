#include <algorithm>

#include "kernels/direct/direct_block.h"
#include "kernels/gemm_avx512.h"
#include "kernels/prefetch.h"

namespace semisup::kernels {
namespace {

constexpr int kVectors = kDirectPanel / kVectorWidth;
// The depth of a pass: a panel of this depth stays in the L2 cache.
constexpr int64_t kMaxDepth = 640;

}  // namespace

// The kernel is computed in passes over some of its rows or, where a row is longer than kMaxDepth,
// over a section of one row. The output holds the partial sums between passes.
void RunDirectBlockAvx512(const DirectBlock& block) {
  const auto& outputs = block.outputs;
  const int64_t tiles = CeilDiv(outputs.count, MaxTileRows(kVectors));
  const int64_t row_groups = CeilDiv(block.rows, std::max<int64_t>(1, kMaxDepth / block.row_size));
  const int64_t sections = CeilDiv(block.row_size, kMaxDepth);
  const int64_t passes = row_groups * sections;
  for (int64_t p = outputs.panels.first; p < outputs.panels.first + outputs.panels.count; p++) {
    const int64_t o = p * kDirectPanel;
    const float* panel = block.weight + o * block.rows * block.row_size;
    const float* bias = block.bias ? block.bias + o : nullptr;
    for (int64_t pass = 0; pass < passes; pass++) {
      const auto rows = SplitRange(block.rows, pass / sections, row_groups);
      const auto section = SplitRange(block.row_size, pass % sections, sections);
      const float* next = panel + rows.count * section.count * kDirectPanel;
      for (int64_t t = 0; t < tiles; t++) {
        const auto tile = SplitRange(outputs.count, t, tiles);
        const int64_t at = tile.first * outputs.output_channels + o;
        float* output = outputs.output + at;
        const float* residual = outputs.residual ? outputs.residual + at : nullptr;
        const Epilogue epilogue{.bias = pass == 0 ? bias : nullptr,
                                .addend = pass == 0 ? residual : output,
                                .relu = block.relu && pass == passes - 1};
        if (pass == 0) {
          PrefetchNextTile(outputs.output + o, outputs.count, outputs.output_channels, kDirectPanel,
                           t, tiles);
        }
        const ScatteredRows windows{.starts = outputs.windows + tile.first,
                                    .offset = rows.first * outputs.row_stride + section.first,
                                    .k_blocks = rows.count,
                                    .k_block_stride = outputs.row_stride};
        kMicroKernels<kVectors, float, ScatteredRows>[tile.count - 1](
            windows, PanelForTile<kVectors>(panel, section.count, rows.count, next, t, tiles),
            {output, outputs.output_channels}, epilogue);
      }
      panel = next;
    }
  }
}

}  // namespace semisup::kernels
