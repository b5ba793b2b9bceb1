#include "grouped_kernels.h"
#include "multiply_avx512.h"

namespace semisup::plan {
namespace {

constexpr int kMostPixels = 14;

// Some pixels of a row of the output, and a lane of their channels.
struct Strip {
  // How far apart the inputs of pixels lie, and those of a kernel's rows and columns.
  int64_t pixel_step;
  int64_t row_step;
  int64_t column_step;
  int64_t kernel_columns;
  int64_t depth;
  // How far apart the outputs of pixels lie.
  int64_t outputs;
  bool rectify;
  // The taps that lie inside.
  Slice rows;
  Slice columns{};
  // The input that the first pixel's first tap is at, though it may lie outside.
  const float* input = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  const float* other = nullptr;
  float* output = nullptr;
};

template <int pixels>
void MultiplyStrip(const Strip& given) {
  // A copy: what a store may change is read again.
  const Strip strip = given;
  const Lane bias = strip.bias ? _mm512_loadu_ps(strip.bias) : _mm512_setzero_ps();
  Lane sums[pixels];
  Unrolled<pixels>([&](auto i) { sums[i] = bias; });
  if (strip.other) {
    Unrolled<pixels>([&](auto i) {
      sums[i] = _mm512_add_ps(sums[i], _mm512_loadu_ps(strip.other + i * strip.outputs));
    });
  }
  for (int64_t row = 0; row < strip.rows.count; row++) {
    const int64_t y = strip.rows.first + row;
    for (int64_t column = 0; column < strip.columns.count; column++) {
      const int64_t x = strip.columns.first + column;
      const float* a = strip.input + y * strip.row_step + x * strip.column_step;
      const float* b = strip.weight + (y * strip.kernel_columns + x) * strip.depth * kLane;
      for (int64_t k = 0; k < strip.depth; k++) {
        const Lane weight = _mm512_loadu_ps(b + k * kLane);
        Unrolled<pixels>([&](auto i) {
          const Lane factor = _mm512_set1_ps(a[i * strip.pixel_step + k]);
          sums[i] = _mm512_fmadd_ps(factor, weight, sums[i]);
        });
      }
    }
  }
  const Lane least = LeastOf(strip.rectify);
  Unrolled<pixels>([&](auto i) {
    _mm512_storeu_ps(strip.output + i * strip.outputs, _mm512_max_ps(least, sums[i]));
  });
}

// MultiplyStrip() by the number of pixels, from one up.
template <int... pixels>
constexpr auto StripsOf(std::integer_sequence<int, pixels...>) {
  return std::array{&MultiplyStrip<pixels + 1>...};
}
constexpr auto kStrips = StripsOf(std::make_integer_sequence<int, kMostPixels>());

// The taps of a kernel that begins at `first` which lie on a side of the image.
inline Slice Inside(int64_t first, int64_t kernel, int64_t side) {
  const int64_t begin = first < 0 ? -first : 0;
  const int64_t end = first + kernel > side ? side - first : kernel;
  return {begin, end > begin ? end - begin : 0};
}

}  // namespace

void ConvolveGroupsAvx512(const GroupedBlock& block) {
  const auto& images = block.images;
  const auto& shape = block.shape;
  const int64_t row_size = images.input_width * shape.inputs;
  for (int64_t r = block.rows.first; r < block.rows.first + block.rows.count; r++) {
    const int64_t image = r / images.height;
    const int64_t top = r % images.height * shape.stride[0] - shape.padding[0];
    Strip strip{.pixel_step = shape.stride[1] * shape.inputs,
                .row_step = row_size,
                .column_step = shape.inputs,
                .kernel_columns = shape.kernel[1],
                .depth = shape.depth(),
                .outputs = shape.outputs,
                .rectify = images.rectify,
                .rows = Inside(top, shape.kernel[0], images.input_height)};
    const float* row = images.input + (image * images.input_height + top) * row_size;
    for (int64_t lane = block.lanes.first; lane < block.lanes.first + block.lanes.count; lane++) {
      const int64_t output = lane * kLane;
      strip.weight = block.weight + lane * shape.lane_size();
      strip.bias = images.bias ? images.bias + output : nullptr;
      for (int64_t x = 0; x < images.width;) {
        const int64_t left = x * shape.stride[1] - shape.padding[1];
        strip.columns = Inside(left, shape.kernel[1], images.input_width);
        // Pixels that take all columns are done together, and those at the edges alone.
        int64_t count = 1;
        while (strip.columns.count == shape.kernel[1] && count < kMostPixels &&
               x + count < images.width &&
               left + count * shape.stride[1] + shape.kernel[1] <= images.input_width) {
          count++;
        }
        const int64_t at = (r * images.width + x) * shape.outputs + output;
        strip.input = row + left * shape.inputs + shape.InputOf(output);
        strip.other = images.other ? images.other + at : nullptr;
        strip.output = images.output + at;
        kStrips[count - 1](strip);
        x += count;
      }
    }
  }
}

}  // namespace semisup::plan
