#pragma once
#include <algorithm>
#include <vector>

#include "kernels/direct/input_windows.h"
#include "kernels/direct/output_block.h"
#include "kernels/parallel.h"
#include "kernels/partition.h"
#include "kernels/pooling/max_pool.h"
#include "kernels/workspace.h"

namespace semisup::kernels {

// The output of a direct convolution, and how it is split into blocks.
template <class T>
struct DirectOutput {
  // Of the same layout as `data`, or null. Must be null with pooling.
  const T* residual;
  T* data;
  int64_t batch;
  int64_t channels;
  // The width of a panel of weights, in output channels.
  int64_t panel;
  int64_t pixels_per_block;
  // If not null, `data` receives the pooled output only.
  const MaxPool* max_pool;

  int64_t panels() const { return CeilDiv(channels, panel); }
};

// Calls compute(block) for blocks of pixels and panels, in parallel.
template <class T, class Compute>
void ForEachBlock(const InputWindows<T>& windows, const DirectOutput<T>& output,
                  Workspace& workspace, const Compute& compute) {
  const int64_t pixels = output.batch * windows.output_height * windows.output_width;
  const int64_t threads = ThreadCount();
  const auto partition = PartitionWork(pixels, output.pixels_per_block, output.panels(), threads);
  const int64_t pixel_blocks = partition.pixel_blocks;
  const int64_t panel_groups = partition.panel_groups;
  const auto pixels_of = [&](int64_t block) { return SplitRange(pixels, block, pixel_blocks); };
  int64_t scratch_size = 0;
  for (int64_t i = 0; i < pixel_blocks; i++) {
    scratch_size = std::max(scratch_size, windows.ScratchSize(pixels_of(i)));
  }
  const int64_t work = pixel_blocks * panel_groups;
  const Scratch<T> scratch(workspace, std::min(threads, work) * scratch_size);
  ParallelFor(work, 1, [&](int64_t begin, int64_t end, int64_t thread) {
    T* row_copies = scratch.data() + thread * scratch_size;
    std::vector<const T*> located;
    for (int64_t i = begin; i < end; i++) {
      const auto block = pixels_of(i / panel_groups);
      windows.Locate(block, row_copies, located);
      const int64_t first = block.first * output.channels;
      compute(
          OutputBlock<T>{.windows = located.data(),
                         .count = block.count,
                         .row_stride = windows.window_row_stride(),
                         .residual = output.residual ? output.residual + first : nullptr,
                         .output = output.data + first,
                         .output_channels = output.channels,
                         .panels = SplitRange(output.panels(), i % panel_groups, panel_groups)});
    }
  });
}

// Like ForEachBlock(), followed by max pooling while a block is in the L2 cache.
template <class T, class Compute>
void ForEachPooledBlock(const InputWindows<T>& windows, const DirectOutput<T>& output,
                        Workspace& workspace, const Compute& compute) {
  constexpr int64_t kBlockBytes = 512 << 10;
  const auto& pool = *output.max_pool;
  const int64_t pooled_rows = pool.OutputLength(windows.output_height);
  const int64_t row_size = windows.output_width * output.channels;
  const int64_t pooled_row_size = pool.OutputLength(windows.output_width) * output.channels;
  const int64_t rows_per_block = kBlockBytes / (row_size * static_cast<int64_t>(sizeof(T)));
  const int64_t pooled_rows_per_block =
      std::max<int64_t>(1, (rows_per_block - pool.kernel) / pool.stride + 1);
  // A multiple of the thread count, but at most one block per pooled row.
  const int64_t threads = ThreadCount();
  const int64_t blocks_per_image = std::min(
      pooled_rows, CeilDiv(CeilDiv(pooled_rows, pooled_rows_per_block), threads) * threads);
  // The pooled rows of a block, as indices into its image, and the convolution's rows that they
  // cover, as indices into the whole batch.
  const auto pooled_rows_of = [&](int64_t block) {
    return SplitRange(pooled_rows, block % blocks_per_image, blocks_per_image);
  };
  const auto rows_of = [&](int64_t block) {
    const auto covered = pool.InputRange(pooled_rows_of(block), windows.output_height);
    return Range{block / blocks_per_image * windows.output_height + covered.first, covered.count};
  };
  const auto pixels_of = [&](const Range& rows) {
    return Range{rows.first * windows.output_width, rows.count * windows.output_width};
  };
  const int64_t total_blocks = output.batch * blocks_per_image;
  int64_t copies_size = 0;
  int64_t rows_size = 0;
  for (int64_t i = 0; i < total_blocks; i++) {
    copies_size = std::max(copies_size, windows.ScratchSize(pixels_of(rows_of(i))));
    rows_size = std::max(rows_size, rows_of(i).count * row_size);
  }
  const Scratch<T> scratch(workspace, std::min(threads, total_blocks) * (copies_size + rows_size));
  ParallelFor(total_blocks, 1, [&](int64_t begin, int64_t end, int64_t thread) {
    T* conv_rows = scratch.data() + thread * (copies_size + rows_size);
    std::vector<const T*> located;
    Range previous{0, 0};
    for (int64_t i = begin; i < end; i++) {
      const auto rows = rows_of(i);
      // Rows that overlap with the thread's previous block are moved to the front instead of being
      // recomputed.
      const int64_t reused = std::max<int64_t>(0, previous.first + previous.count - rows.first);
      std::copy_n(conv_rows + (previous.count - reused) * row_size, reused * row_size, conv_rows);
      const auto pixels = pixels_of({rows.first + reused, rows.count - reused});
      if (pixels.count > 0) {
        windows.Locate(pixels, conv_rows + rows_size, located);
        compute(OutputBlock<T>{.windows = located.data(),
                               .count = pixels.count,
                               .row_stride = windows.window_row_stride(),
                               .residual = nullptr,
                               .output = conv_rows + reused * row_size,
                               .output_channels = output.channels,
                               .panels = {0, output.panels()}});
      }
      previous = rows;
      const auto pooled = pooled_rows_of(i);
      MaxPoolRows(
          conv_rows, windows.output_height, windows.output_width, output.channels, pool, pooled,
          output.data + (i / blocks_per_image * pooled_rows + pooled.first) * pooled_row_size);
    }
  });
}

template <class T, class Compute>
void ForEachOutputBlock(const InputWindows<T>& windows, const DirectOutput<T>& output,
                        Workspace& workspace, const Compute& compute) {
  if (output.max_pool) return ForEachPooledBlock(windows, output, workspace, compute);
  ForEachBlock(windows, output, workspace, compute);
}

}  // namespace semisup::kernels
