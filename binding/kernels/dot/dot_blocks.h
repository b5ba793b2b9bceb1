#pragma once
#include "kernels/convolution_shape.h"
#include "kernels/direct/blocking.h"
#include "kernels/dot/dot_panel.h"

namespace semisup::kernels {

// Calls compute(block) for the blocks of a convolution's output, in parallel. `arguments`: those of
// its run, of elements T. `padding_value`: the input outside of the image.
template <class T, class Weight, class Arguments, class Compute>
void ForEachDotBlock(const Arguments& arguments, const ConvolutionShape& shape,
                     const DotWeights<Weight>& weights, T padding_value, Workspace& workspace,
                     const Compute& compute) {
  constexpr auto kElementBytes = static_cast<int64_t>(sizeof(T));
  constexpr int64_t kBlockBytes = (128 << 10) * kElementBytes;
  // Kernel rows are read in whole lanes, which may extend past the end of a window's row.
  const int64_t lane = weights.panel.template lane_elements<T>();
  const bool overreads = weights.row_size % lane != 0;
  const InputWindows<T> windows{.input = arguments.input,
                                .height = arguments.input_height,
                                .width = arguments.input_width,
                                .output_height = arguments.height,
                                .output_width = arguments.width,
                                .shape = shape,
                                .padding_value = padding_value,
                                .is_nchw = false,
                                .copies_rows = shape.is_padded() || overreads,
                                .overread = lane};
  const int64_t pixel_bytes =
      shape.input_channels * shape.stride[0] * shape.stride[1] * kElementBytes;
  const DirectOutput<T> output{.residual = arguments.residual,
                               .data = arguments.output,
                               .batch = arguments.batch,
                               .channels = shape.output_channels,
                               .panel = weights.panel.channels(),
                               .pixels_per_block = PixelsPerBlock(pixel_bytes, kBlockBytes),
                               .max_pool = arguments.max_pool};
  ForEachOutputBlock(windows, output, workspace, compute);
}

}  // namespace semisup::kernels
