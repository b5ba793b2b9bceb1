#include <algorithm>

#include "fetch.h"
#include "multiply_avx512.h"
#include "windowed_kernels.h"

namespace semisup::plan {
namespace {

constexpr int kLanes = kWindowedPanel / kLane;
// Inputs at a time: a panel of so many stays in the second cache.
constexpr int64_t kMostDepth = 640;

}  // namespace

// A kernel is done a piece at a time: some of its rows, or, where these are long, a part of one.
// Between the pieces the sums lie in the output.
void MultiplyWindowsAvx512(const WindowedBlock& block) {
  const int64_t strips = CeilOf(block.count, MostRows(kLanes));
  const int64_t heights = CeilOf(block.rows, std::max<int64_t>(1, kMostDepth / block.run));
  const int64_t widths = CeilOf(block.run, kMostDepth);
  const int64_t pieces = heights * widths;
  for (int64_t p = block.panels.first; p < block.panels.first + block.panels.count; p++) {
    const int64_t o = p * kWindowedPanel;
    const float* panel = block.weight + o * block.rows * block.run;
    const float* bias = block.bias ? block.bias + o : nullptr;
    for (int64_t piece = 0; piece < pieces; piece++) {
      const auto rows = ShareOf(block.rows, piece / widths, heights);
      const auto run = ShareOf(block.run, piece % widths, widths);
      const int64_t depth = rows.count * run.count;
      const float* next = panel + depth * kWindowedPanel;
      for (int64_t s = 0; s < strips; s++) {
        const auto strip = ShareOf(block.count, s, strips);
        const int64_t at = strip.first * block.outputs + o;
        float* to = block.output + at;
        const float* other = block.other ? block.other + at : nullptr;
        const Around around{.bias = piece == 0 ? bias : nullptr,
                            .sums = piece == 0 ? other : to,
                            .rectify = block.rectify && piece == pieces - 1};
        if (piece == 0) {
          FetchNextStrip(block.output + o, block.count, block.outputs, kWindowedPanel, s, strips);
        }
        const ScatteredRows windows{.starts = block.starts + strip.first,
                                    .offset = rows.first * block.row_stride + run.first,
                                    .pieces = rows.count,
                                    .step = block.row_stride};
        kMultipliers<kLanes, float, ScatteredRows>[strip.count - 1](
            windows, PanelOf<kLanes>(panel, run.count, rows.count, next, s, strips),
            {to, block.outputs}, around);
      }
      panel = next;
    }
  }
}

}  // namespace semisup::plan
