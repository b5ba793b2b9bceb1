#include <algorithm>

#include "grouped_kernels.h"
#include "multiply_avx512.h"

namespace semisup::plan {
namespace {

constexpr int kMostPixels = 14;

// Some pixels of a row of the output, and a lane of their channels.
struct Strip {
  // How far apart the inputs of pixels lie, and those of a kernel's rows.
  int64_t pixel_step;
  int64_t row_step;
  int64_t kernel_rows;
  // How many inputs a row of a kernel takes, which lie side by side.
  int64_t run;
  // How far apart the outputs of pixels lie.
  int64_t outputs;
  bool rectify;
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
  const float* weight = strip.weight;
  for (int64_t row = 0; row < strip.kernel_rows; row++) {
    const float* a = strip.input + row * strip.row_step;
    for (int64_t k = 0; k < strip.run; k++) {
      const Lane b = _mm512_loadu_ps(weight);
      weight += kLane;
      Unrolled<pixels>([&](auto i) {
        const Lane factor = _mm512_set1_ps(a[i * strip.pixel_step + k]);
        sums[i] = _mm512_fmadd_ps(factor, b, sums[i]);
      });
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

// Copies `rows` of an image, from `top`, with its edges and the inputs of a lane alone.
void CopyInputs(const GroupedBlock& block, int64_t image, int64_t top, int64_t rows,
                int64_t first_input) {
  const auto& images = block.images;
  const int64_t depth = block.shape.group_inputs();
  const int64_t side = block.shape.padding[1] * depth;
  const int64_t middle = images.input_width * depth;
  float* to = block.scratch;
  for (int64_t y = top; y < top + rows; y++) {
    if (y < 0 || y >= images.input_height) {
      to = std::fill_n(to, middle + 2 * side, 0.0F);
      continue;
    }
    to = std::fill_n(to, side, 0.0F);
    const float* pixel =
        images.input + first_input +
        (image * images.input_height + y) * images.input_width * block.shape.inputs;
    for (int64_t x = 0; x < images.input_width; x++) {
      if (depth == kLane) {
        _mm512_storeu_ps(to, _mm512_loadu_ps(pixel));
      } else {
        std::copy_n(pixel, depth, to);
      }
      to += depth;
      pixel += block.shape.inputs;
    }
    to = std::fill_n(to, side, 0.0F);
  }
}

// Some rows of one image, of which the inputs lie in the scratch.
void MultiplyRowsOfLane(const GroupedBlock& block, const Slice& rows, int64_t lane) {
  const auto& images = block.images;
  const auto& shape = block.shape;
  const int64_t depth = shape.group_inputs();
  const int64_t output = lane * kLane;
  const int64_t strips = CeilOf(images.width, kMostPixels);
  Strip strip{.pixel_step = shape.stride[1] * depth,
              .row_step = (images.input_width + 2 * shape.padding[1]) * depth,
              .kernel_rows = shape.kernel[0],
              .run = shape.kernel[1] * depth,
              .outputs = shape.outputs,
              .rectify = images.rectify};
  strip.weight = block.weight + lane * shape.lane_size();
  strip.bias = images.bias ? images.bias + output : nullptr;
  for (int64_t row = 0; row < rows.count; row++) {
    for (int64_t s = 0; s < strips; s++) {
      const auto [x, count] = ShareOf(images.width, s, strips);
      const int64_t at = ((rows.first + row) * images.width + x) * shape.outputs + output;
      strip.input = block.scratch + row * shape.stride[0] * strip.row_step + x * strip.pixel_step;
      strip.other = images.other ? images.other + at : nullptr;
      strip.output = images.output + at;
      kStrips[count - 1](strip);
    }
  }
}

}  // namespace

void ConvolveGroupsAvx512(const GroupedBlock& block) {
  const auto& images = block.images;
  const auto& shape = block.shape;
  const int64_t end = block.rows.first + block.rows.count;
  for (int64_t first = block.rows.first; first < end;) {
    const int64_t y = first % images.height;
    const int64_t count = std::min({block.most_rows, images.height - y, end - first});
    for (int64_t l = 0; l < block.lanes.count; l++) {
      const int64_t lane = block.lanes.first + l;
      CopyInputs(block, first / images.height, y * shape.stride[0] - shape.padding[0],
                 (count - 1) * shape.stride[0] + shape.kernel[0], shape.InputOf(lane * kLane));
      MultiplyRowsOfLane(block, {first, count}, lane);
    }
    first += count;
  }
}

}  // namespace semisup::plan
