#include "kernels/gemm.h"
#include "kernels/pointwise/pointwise_block.h"
#include "kernels/prefetch.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

constexpr int64_t kPanel = kPanelVectors * kVectorWidth;
// The maximum depth of a k-block: a panel of this depth stays in the L2 cache.
constexpr int64_t kMaxDepth = 512;

template <class Weight>
void RunBlock(const PointwiseBlock<Weight>& block) {
  const auto& [arguments, weight, input_channels, output_channels, pixels, outputs] = block;
  const int64_t tiles = CeilDiv(pixels.count, MaxTileRows(kPanelVectors));
  const int64_t k_blocks = CeilDiv(input_channels, kMaxDepth);
  for (int64_t o = outputs.first; o < outputs.first + outputs.count; o += kPanel) {
    for (int64_t k = 0; k < k_blocks; k++) {
      const auto depth = SplitRange(input_channels, k, k_blocks);
      const Weight* panel = weight + o * input_channels + depth.first * kPanel;
      const Weight* next = panel + depth.count * kPanel;
      for (int64_t t = 0; t < tiles; t++) {
        const auto tile = SplitRange(pixels.count, t, tiles);
        const int64_t pixel = pixels.first + tile.first;
        float* output = arguments.output + pixel * output_channels + o;
        if (k == 0) {
          PrefetchNextTile(arguments.output + pixels.first * output_channels + o, pixels.count,
                           output_channels, kPanel, t, tiles);
        }
        // The output holds the partial sums between k-blocks.
        const float* residual =
            arguments.residual ? arguments.residual + pixel * output_channels + o : nullptr;
        const float* bias = arguments.bias ? arguments.bias + o : nullptr;
        const Epilogue epilogue{.bias = k == 0 ? bias : nullptr,
                                .addend = k == 0 ? residual : output,
                                .relu = arguments.relu && k == k_blocks - 1};
        kMicroKernels<kPanelVectors, Weight>[tile.count - 1](
            {arguments.input + pixel * input_channels + depth.first, input_channels},
            PanelForTile<kPanelVectors>(panel, depth.count, 1, next, t, tiles),
            {output, output_channels}, epilogue);
      }
    }
  }
}

}  // namespace

void RunPointwiseBlock(const PointwiseBlock<float>& block) { RunBlock(block); }
void RunPointwiseBlock(const PointwiseBlock<BFloat16>& block) { RunBlock(block); }

}  // namespace semisup::kernels::SEMISUP_SIMD
