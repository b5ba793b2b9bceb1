#include <algorithm>

#include "kernels/elementwise/activate.h"
#include "kernels/gemm.h"
#include "kernels/grouped/grouped_block.h"

namespace semisup::kernels::SEMISUP_SIMD {
namespace {

// The maximum number of pixels of a micro-tile, which is one vector wide.
constexpr int kMaxTilePixels = kRegisters == 32 ? 14 : 12;

// A micro-tile: consecutive pixels of an output row, and one vector of their output channels.
struct Tile {
  // The distances in elements between the windows of adjacent pixels, and between the rows of a
  // window.
  int64_t pixel_stride;
  int64_t row_stride;
  int64_t kernel_rows;
  // The runs of contiguous input elements in a kernel row: one, of the whole row, unless columns
  // are dilated.
  int64_t runs;
  int64_t run_stride;
  int64_t run_size;
  int64_t output_stride;
  bool relu;
  // Of the vector, which may be partial.
  int64_t channels;
  const float* input = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  const float* residual = nullptr;
  float* output = nullptr;
};

template <bool is_general>
Vector LoadChannels(const float* data, const Tile& tile) {
  return is_general ? LoadPart(data, tile.channels) : Load(data);
}

// `is_general` for partial vectors and dilated columns, which would slow down the others.
template <bool is_general, int pixels>
void ComputeGroupedTile(const Tile& argument) {
  // A local copy: a store through `output` could alias `argument` and force reloads.
  const Tile tile = argument;
  const Vector bias = tile.bias ? LoadChannels<is_general>(tile.bias, tile) : Zero();
  Vector sums[pixels];
  Unroll<pixels>([&](auto i) { sums[i] = bias; });
  if (tile.residual) {
    Unroll<pixels>([&](auto i) {
      const float* residual = tile.residual + i * tile.output_stride;
      sums[i] = Add(sums[i], LoadChannels<is_general>(residual, tile));
    });
  }
  const float* weight = tile.weight;
  for (int64_t row = 0; row < tile.kernel_rows; row++) {
    const int64_t runs = is_general ? tile.runs : 1;
    for (int64_t run = 0; run < runs; run++) {
      const float* a = tile.input + row * tile.row_stride + run * tile.run_stride;
      for (int64_t k = 0; k < tile.run_size; k++) {
        const Vector b = Load(weight);
        weight += kVectorWidth;
        Unroll<pixels>([&](auto i) {
          const Vector factor = Broadcast(a[i * tile.pixel_stride + k]);
          sums[i] = MultiplyAdd(factor, b, sums[i]);
        });
      }
    }
  }
  const Vector bound = LowerBound(tile.relu);
  Unroll<pixels>([&](auto i) {
    float* output = tile.output + i * tile.output_stride;
    const Vector value = AtLeast(bound, sums[i]);
    if constexpr (is_general) {
      StorePart(output, tile.channels, value);
    } else {
      Store(output, value);
    }
  });
}

template <bool is_general, int... pixels>
constexpr auto MakeGroupedMicroKernels(std::integer_sequence<int, pixels...>) {
  return std::array{&ComputeGroupedTile<is_general, pixels + 1>...};
}
// ComputeGroupedTile() for 1, 2, ... kMaxTilePixels pixels.
template <bool is_general>
constexpr auto kGroupedMicroKernels =
    MakeGroupedMicroKernels<is_general>(std::make_integer_sequence<int, kMaxTilePixels>());

// Copies `rows` rows of an image, starting with row `top`, with their padding. Only the channels of
// the group whose first input channel is `first_channel` are copied.
void CopyInput(const GroupedBlock& block, int64_t image, int64_t top, int64_t rows,
               int64_t first_channel) {
  const auto& arguments = block.arguments;
  const int64_t channels = block.shape.group_inputs();
  const int64_t padding = block.shape.padding[1] * channels;
  const int64_t row_size = arguments.input_width * channels;
  float* output = block.scratch;
  for (int64_t y = top; y < top + rows; y++) {
    if (y < 0 || y >= arguments.input_height) {
      output = std::fill_n(output, row_size + 2 * padding, 0.0F);
      continue;
    }
    output = std::fill_n(output, padding, 0.0F);
    const float* pixel =
        arguments.input + first_channel +
        (image * arguments.input_height + y) * arguments.input_width * block.shape.input_channels;
    for (int64_t x = 0; x < arguments.input_width; x++) {
      if (channels == kVectorWidth) {
        Store(output, Load(pixel));
      } else {
        std::copy_n(pixel, channels, output);
      }
      output += channels;
      pixel += block.shape.input_channels;
    }
    output = std::fill_n(output, padding, 0.0F);
  }
}

// Computes output rows `rows`, all of one image, of one vector of output channels. Their input rows
// are in `block.scratch`.
void ComputeRows(const GroupedBlock& block, const Range& rows, int64_t vector) {
  const auto& arguments = block.arguments;
  const auto& shape = block.shape;
  const int64_t channels = shape.group_inputs();
  const auto outputs = shape.OutputsOf(vector);
  const bool has_runs = shape.dilation[1] > 1;
  const auto& micro_kernels = has_runs || outputs.count < kVectorWidth
                                  ? kGroupedMicroKernels<true>
                                  : kGroupedMicroKernels<false>;
  const int64_t row_stride = (arguments.input_width + 2 * shape.padding[1]) * channels;
  const int64_t tiles = CeilDiv(arguments.width, kMaxTilePixels);
  Tile tile{.pixel_stride = shape.stride[1] * channels,
            .row_stride = shape.dilation[0] * row_stride,
            .kernel_rows = shape.kernel[0],
            .runs = has_runs ? shape.kernel[1] : 1,
            .run_stride = shape.dilation[1] * channels,
            .run_size = has_runs ? channels : shape.kernel[1] * channels,
            .output_stride = shape.output_channels,
            .relu = arguments.relu,
            .channels = outputs.count};
  tile.weight = block.weight + vector * shape.weights_per_vector();
  tile.bias = arguments.bias ? arguments.bias + outputs.first : nullptr;
  for (int64_t row = 0; row < rows.count; row++) {
    for (int64_t t = 0; t < tiles; t++) {
      const auto [x, count] = SplitRange(arguments.width, t, tiles);
      const int64_t offset =
          ((rows.first + row) * arguments.width + x) * shape.output_channels + outputs.first;
      tile.input = block.scratch + row * shape.stride[0] * row_stride + x * tile.pixel_stride;
      tile.residual = arguments.residual ? arguments.residual + offset : nullptr;
      tile.output = arguments.output + offset;
      micro_kernels[count - 1](tile);
      ActivateOutput(arguments.activation, tile.output, count, outputs.count,
                     shape.output_channels);
    }
  }
}

}  // namespace

void RunGroupedBlock(const GroupedBlock& block) {
  const auto& arguments = block.arguments;
  const auto& shape = block.shape;
  const int64_t end = block.rows.first + block.rows.count;
  for (int64_t first = block.rows.first; first < end;) {
    const int64_t y = first % arguments.height;
    const int64_t count = std::min({block.rows_per_pass, arguments.height - y, end - first});
    for (int64_t i = 0; i < block.vectors.count; i++) {
      const int64_t vector = block.vectors.first + i;
      CopyInput(block, first / arguments.height, y * shape.stride[0] - shape.padding[0],
                (count - 1) * shape.stride[0] + shape.extent(0),
                shape.FirstInputOf(shape.OutputsOf(vector).first));
      ComputeRows(block, {first, count}, vector);
    }
    first += count;
  }
}

}  // namespace semisup::kernels::SEMISUP_SIMD
