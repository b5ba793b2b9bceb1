#include <algorithm>
#include <array>
#include <utility>

#include "kernels/depthwise/depthwise_block.h"
#include "kernels/depthwise/depthwise_tile.h"
#include "kernels/elementwise/activate.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

using MicroKernel = void (*)(const DepthwiseTile&);

// Micro-kernels for 1, 2, ... kMaxDepthwisePixels pixels.
using MicroKernels = std::array<MicroKernel, kMaxDepthwisePixels>;

template <int columns, int stride, int... pixels>
constexpr MicroKernels MakeMicroKernels(std::integer_sequence<int, pixels...>) {
  return {&ComputeDepthwiseTile<pixels + 1, columns, stride>...};
}
template <int columns, int stride>
constexpr MicroKernels kDepthwiseMicroKernels =
    MakeMicroKernels<columns, stride>(std::make_integer_sequence<int, kMaxDepthwisePixels>());

// Those for any kernel, stride and dilation, for whole vectors of channels and for a partial one.
template <bool is_partial, int... pixels>
constexpr MicroKernels MakeGeneralMicroKernels(std::integer_sequence<int, pixels...>) {
  return {&ComputeGeneralDepthwiseTile<is_partial, pixels + 1>...};
}
template <bool is_partial>
constexpr MicroKernels kGeneralMicroKernels =
    MakeGeneralMicroKernels<is_partial>(std::make_integer_sequence<int, kMaxDepthwisePixels>());

const MicroKernels& MicroKernelsFor(const ConvolutionShape& shape) {
  const int64_t columns = shape.kernel[1];
  const int64_t stride = shape.stride[1];
  if (shape.dilation[1] == 1 && stride == 1) {
    if (columns == 3) return kDepthwiseMicroKernels<3, 1>;
    if (columns == 5) return kDepthwiseMicroKernels<5, 1>;
    if (columns == 7) return kDepthwiseMicroKernels<7, 1>;
  }
  if (shape.dilation[1] == 1 && stride == 2) {
    if (columns == 3) return kDepthwiseMicroKernels<3, 2>;
    if (columns == 5) return kDepthwiseMicroKernels<5, 2>;
  }
  return kGeneralMicroKernels<false>;
}

// The taps of a kernel, `dilation` apart, that are inside an input of `length` elements if the
// first is at `first`.
Range TapsInside(int64_t first, int64_t taps, int64_t dilation, int64_t length) {
  const int64_t begin = first < 0 ? CeilDiv(-first, dilation) : 0;
  const int64_t end = std::min(taps, CeilDiv(std::max<int64_t>(0, length - first), dilation));
  return {std::min(begin, end), std::max<int64_t>(0, end - begin)};
}

}  // namespace

// Computes a few pixels of all channels before the next ones: inputs and outputs are then read and
// written in their order.
void RunDepthwiseBlock(const DepthwiseBlock& block) {
  const auto& arguments = block.arguments;
  const auto& shape = block.shape;
  const int64_t channels = shape.output_channels;
  const int64_t first_channel = block.vectors.first * kVectorWidth;
  const int64_t end_channel =
      std::min(channels, (block.vectors.first + block.vectors.count) * kVectorWidth);
  const int64_t last_channels = (end_channel - first_channel) % kVectorWidth;
  const int64_t whole_vectors = block.vectors.count - (last_channels > 0 ? 1 : 0);
  const int64_t row_weights = shape.kernel[1] * kVectorWidth;
  const auto& micro_kernels = MicroKernelsFor(shape);
  const int64_t tiles = CeilDiv(arguments.width, kMaxDepthwisePixels);
  DepthwiseTile tile{.row_stride = shape.dilation[0] * arguments.input_width * channels,
                     .channels = channels,
                     .columns = shape.kernel[1],
                     .stride = shape.stride[1],
                     .dilation = shape.dilation[1],
                     .input_width = arguments.input_width,
                     .weights_per_vector = shape.kernel[0] * row_weights,
                     .relu = arguments.relu,
                     .last_channels = last_channels};
  for (int64_t row = block.rows.first; row < block.rows.first + block.rows.count; row++) {
    const int64_t image = row / arguments.height;
    const int64_t top = row % arguments.height * shape.stride[0] - shape.padding[0];
    const auto taps = TapsInside(top, shape.kernel[0], shape.dilation[0], arguments.input_height);
    const int64_t input_row =
        image * arguments.input_height + (top + taps.first * shape.dilation[0]);
    tile.rows = taps.count;
    for (int64_t t = 0; t < tiles; t++) {
      const auto pixels = SplitRange(arguments.width, t, tiles);
      const int64_t output = (row * arguments.width + pixels.first) * channels + first_channel;
      tile.left = pixels.first * shape.stride[1] - shape.padding[1];
      tile.input = arguments.input + input_row * arguments.input_width * channels + first_channel;
      tile.weight =
          block.weight + block.vectors.first * tile.weights_per_vector + taps.first * row_weights;
      tile.bias = arguments.bias ? arguments.bias + first_channel : nullptr;
      tile.residual = arguments.residual ? arguments.residual + output : nullptr;
      tile.output = arguments.output + output;
      tile.vectors = whole_vectors;
      if (whole_vectors > 0) micro_kernels[pixels.count - 1](tile);
      if (last_channels > 0) {
        kGeneralMicroKernels<true>[pixels.count - 1](tile.From(whole_vectors));
      }
      ActivateOutput(arguments.activation, arguments.output + output, pixels.count,
                     end_channel - first_channel, channels);
    }
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
