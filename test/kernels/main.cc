// Compares every float convolution with plain loops in double precision, and prints a line for
// each. Exits with 1 if one differs.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "checks.h"
#include "kernels/bfloat16/bfloat16.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/direct/direct.h"
#include "kernels/grouped/grouped.h"
#include "kernels/instruction_set.h"
#include "kernels/pointwise/pointwise.h"
#include "kernels/pooling/max_pool.h"
#include "kernels/winograd/winograd.h"

namespace {

using namespace semisup::kernels;

// A convolution of a batch with a bias, a residual and a ReLU.
class Case {
 public:
  Case(const ConvolutionShape& shape, HeightWidth size)
      : shape_(shape),
        size_(size),
        input_(RandomValues(kBatch * size[0] * size[1] * shape.input_channels)),
        weight_(RandomValues(shape.output_channels * shape.group_inputs() * shape.kernel[0] *
                             shape.kernel[1])),
        bias_(RandomValues(shape.output_channels)),
        residual_(RandomValues(kBatch * height() * width() * shape.output_channels)) {}

  const ConvolutionShape& shape() const { return shape_; }
  const float* weight() const { return weight_.data(); }

  void Check(const std::string& name, const ConvolutionKernel<float>& kernel) const {
    // The output replaces the residual, and must not extend beyond it.
    constexpr float kGuard = 12345;
    auto output = residual_;
    output.resize(output.size() + 64, kGuard);
    HeapWorkspace workspace;
    kernel.Run({.input = input_.data(),
                .bias = bias_.data(),
                .residual = output.data(),
                .output = output.data(),
                .batch = kBatch,
                .height = height(),
                .width = width(),
                .input_height = size_[0],
                .input_width = size_[1],
                .relu = false,
                .activation = {ActivationKind::kClamp, -0.25F, 2}},
               workspace);
    double error = 0;
    for (size_t i = 0; i < output.size(); i++) {
      const double expected =
          i < residual_.size() ? Expected(static_cast<int64_t>(i)) : double{kGuard};
      const double difference = std::abs(output[i] - expected);
      if (!(difference <= error)) error = difference;
    }
    // Relative to the sum of the magnitudes, which grows with the depth.
    const auto depth =
        static_cast<double>(shape_.group_inputs() * shape_.kernel[0] * shape_.kernel[1]);
    Report(name + " " + Describe(), error, 1e-6 * depth + 1e-5);
  }

 private:
  static constexpr int64_t kBatch = 2;

  int64_t OutputLength(int dimension) const {
    return (size_[dimension] + 2 * shape_.padding[dimension] - shape_.extent(dimension)) /
               shape_.stride[dimension] +
           1;
  }
  int64_t height() const { return OutputLength(0); }
  int64_t width() const { return OutputLength(1); }

  double Expected(int64_t index) const {
    const int64_t o = index % shape_.output_channels;
    const int64_t pixel = index / shape_.output_channels;
    const int64_t left = pixel % width() * shape_.stride[1] - shape_.padding[1];
    const int64_t top = pixel / width() % height() * shape_.stride[0] - shape_.padding[0];
    const int64_t image = pixel / (width() * height());
    const int64_t depth = shape_.group_inputs();
    double sum = bias_[o] + residual_[index];
    for (int64_t i = 0; i < shape_.kernel[0]; i++) {
      for (int64_t j = 0; j < shape_.kernel[1]; j++) {
        const int64_t y = top + i * shape_.dilation[0];
        const int64_t x = left + j * shape_.dilation[1];
        if (y < 0 || y >= size_[0] || x < 0 || x >= size_[1]) continue;
        const float* input = input_.data() +
                             ((image * size_[0] + y) * size_[1] + x) * shape_.input_channels +
                             shape_.FirstInputOf(o);
        for (int64_t c = 0; c < depth; c++) {
          sum += static_cast<double>(input[c]) *
                 weight_[((o * depth + c) * shape_.kernel[0] + i) * shape_.kernel[1] + j];
        }
      }
    }
    return std::clamp(sum, -0.25, 2.0);
  }

  std::string Describe() const {
    const auto pair = [](const HeightWidth& sides) {
      return std::to_string(sides[0]) + "x" + std::to_string(sides[1]);
    };
    return pair(shape_.kernel) + ", " + std::to_string(shape_.input_channels) + " to " +
           std::to_string(shape_.output_channels) + " channels in " +
           std::to_string(shape_.groups) + " groups, stride " + pair(shape_.stride) + ", padding " +
           pair(shape_.padding) + ", dilation " + pair(shape_.dilation) + ", of " + pair(size_);
  }

  ConvolutionShape shape_;
  HeightWidth size_;
  std::vector<float> input_;
  std::vector<float> weight_;
  std::vector<float> bias_;
  std::vector<float> residual_;
};

// With all kernels that support it. Unless there are no kernels, at least one does.
void CheckConvolution(const Case& one) {
  const auto& shape = one.shape();
  const bool is_supported =
      PointwiseConvolution::Supports(shape) || DirectConvolution::Supports(shape) ||
      GroupedConvolution::Supports(shape) || DepthwiseConvolution::Supports(shape);
  if (ActiveKernels() && !is_supported) Report("no kernel for a convolution", 1, 0);
  if (PointwiseConvolution::Supports(shape)) {
    one.Check("pointwise",
              PointwiseConvolution(one.weight(), shape.input_channels, shape.output_channels));
  }
  if (DirectConvolution::Supports(shape)) {
    one.Check("direct", DirectConvolution(one.weight(), shape));
  }
  if (GroupedConvolution::Supports(shape)) {
    one.Check("grouped", GroupedConvolution(one.weight(), shape));
  }
  if (DepthwiseConvolution::Supports(shape)) {
    one.Check("depthwise", DepthwiseConvolution(one.weight(), shape));
  }
  if (WinogradConvolution::Supports(shape)) {
    one.Check("winograd2x2", WinogradConvolution(one.weight(), shape, 2));
    one.Check("winograd4x4", WinogradConvolution(one.weight(), shape, 4));
  }
}

// Convolutions of any shape; depthwise ones, grouped ones, pointwise ones and others in turn.
void CheckRandomConvolutions() {
  const auto any = [](int64_t low, int64_t high) { return RandomInteger(low, high); };
  for (int i = 0; i < 60; i++) {
    const int kind = i % 4;
    const bool is_pointwise = kind == 2;
    ConvolutionShape shape{.input_channels = any(1, 70),
                           .output_channels = any(1, 150),
                           .groups = 1,
                           .kernel = {any(1, 5), any(1, 5)},
                           .stride = {any(1, 3), any(1, 3)},
                           .padding = {any(0, 3), any(0, 3)},
                           .dilation = {any(1, 3), any(1, 3)}};
    if (is_pointwise) {
      shape.kernel = shape.stride = shape.dilation = {1, 1};
      shape.padding = {0, 0};
    } else if (kind == 0) {
      shape.groups = shape.output_channels = shape.input_channels = any(1, 150);
    } else if (kind == 1) {
      shape.groups = any(2, 20);
      shape.input_channels = shape.groups * any(1, 9);
      shape.output_channels = shape.groups * any(1, 40);
    }
    const HeightWidth size{shape.extent(0) + any(0, 12), shape.extent(1) + any(0, 12)};
    CheckConvolution(Case(shape, size));
  }
}

float FromFloat(float value, float) { return value; }
BFloat16 FromFloat(float value, BFloat16) {
  return {static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16)};
}

// Channels that do not fill a vector, and NaN.
template <class T>
void CheckMaxPool(const std::string& name) {
  constexpr int64_t kHeight = 6;
  constexpr int64_t kWidth = 5;
  constexpr int64_t kChannels = 77;
  const MaxPool pool{.kernel = 3, .stride = 2, .padding = 1};
  std::vector<T> input;
  for (const float value : RandomValues(kHeight * kWidth * kChannels)) {
    input.push_back(FromFloat(value, T{}));
  }
  // In a whole vector and in the last one, of either sign.
  input[7 * kChannels + 3] = FromFloat(-std::nanf(""), T{});
  input[7 * kChannels + 70] = FromFloat(std::nanf(""), T{});
  const int64_t rows = pool.OutputLength(kHeight);
  const int64_t columns = pool.OutputLength(kWidth);
  std::vector<T> output(static_cast<size_t>(rows * columns * kChannels));
  RunMaxPool<T>({input.data(), 1, kHeight, kWidth, kChannels}, pool, output.data());
  double wrong = 0;
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t column = 0; column < columns; column++) {
      const auto down = pool.InputRange({row, 1}, kHeight);
      const auto across = pool.InputRange({column, 1}, kWidth);
      for (int64_t c = 0; c < kChannels; c++) {
        float expected = -INFINITY;
        for (int64_t y = down.first; y < down.first + down.count; y++) {
          for (int64_t x = across.first; x < across.first + across.count; x++) {
            const float value = ToFloat(input[(y * kWidth + x) * kChannels + c]);
            if (!(value <= expected)) expected = std::isnan(expected) ? expected : value;
          }
        }
        const float actual = ToFloat(output[(row * columns + column) * kChannels + c]);
        const bool is_same = std::isnan(expected) ? std::isnan(actual) : actual == expected;
        if (!is_same) wrong++;
      }
    }
  }
  Report(name, wrong, 0);
}

}  // namespace

int main() {
  std::printf("%s\n", std::string(NameOf(ActiveInstructionSet())).c_str());
  CheckThreads();
  const struct {
    ConvolutionShape shape;
    HeightWidth size;
  } cases[]{
      {{16, 64, 1, {1, 1}, {1, 1}, {0, 0}}, {9, 7}},
      {{520, 128, 1, {1, 1}, {1, 1}, {0, 0}}, {5, 5}},
      {{3, 64, 1, {7, 7}, {2, 2}, {3, 3}}, {20, 20}},
      {{64, 64, 1, {3, 3}, {1, 1}, {1, 1}}, {13, 11}},
      {{64, 64, 1, {3, 3}, {2, 2}, {1, 1}}, {13, 11}},
      {{700, 64, 1, {3, 3}, {1, 1}, {0, 0}}, {5, 6}},
      {{32, 32, 4, {3, 3}, {1, 1}, {1, 1}}, {10, 9}},
      {{32, 64, 8, {3, 3}, {2, 2}, {1, 1}}, {10, 9}},
      {{64, 64, 2, {3, 3}, {1, 1}, {1, 1}}, {8, 8}},
      {{16, 16, 4, {3, 3}, {1, 1}, {1, 1}}, {7, 7}},
      // Panels that are partial, and as wide as one to all vectors.
      {{20, 24, 1, {1, 1}, {1, 1}, {0, 0}}, {9, 7}},
      {{600, 37, 1, {1, 1}, {1, 1}, {0, 0}}, {6, 5}},
      {{20, 130, 1, {1, 1}, {2, 2}, {1, 1}}, {9, 7}},
      {{700, 90, 1, {3, 3}, {1, 1}, {1, 1}}, {5, 6}},
      // Dilated, in passes of several k-blocks and of sections.
      {{64, 21, 1, {3, 3}, {1, 1}, {2, 2}, {2, 2}}, {13, 11}},
      {{700, 64, 1, {3, 3}, {1, 1}, {12, 12}, {12, 12}}, {9, 9}},
      {{24, 48, 6, {3, 3}, {2, 2}, {2, 2}, {2, 2}}, {13, 11}},
      // Groups that fill no vector, or are merged into one.
      {{6, 6, 3, {3, 3}, {1, 1}, {1, 1}}, {7, 9}},
      {{28, 56, 28, {3, 3}, {1, 1}, {1, 1}}, {7, 9}},
      {{30, 130, 2, {1, 1}, {1, 1}, {0, 0}}, {7, 9}},
      // Depthwise.
      {{32, 32, 32, {3, 3}, {1, 1}, {1, 1}}, {13, 21}},
      {{40, 40, 40, {3, 3}, {2, 2}, {1, 1}}, {13, 21}},
      {{19, 19, 19, {5, 5}, {1, 1}, {2, 2}}, {7, 7}},
      {{32, 32, 32, {5, 5}, {2, 2}, {2, 2}}, {14, 13}},
      {{48, 48, 48, {7, 7}, {1, 1}, {3, 3}}, {9, 14}},
      {{32, 32, 32, {3, 3}, {1, 1}, {4, 4}, {4, 4}}, {9, 14}},
      {{33, 33, 33, {7, 7}, {2, 2}, {3, 3}}, {3, 2}},
  };
  for (const auto& [shape, size] : cases) CheckConvolution(Case(shape, size));
  CheckRandomConvolutions();
  CheckMaxPool<float>("max pool");
  CheckMaxPool<BFloat16>("bfloat16 max pool");
  if (ActiveKernels()) CheckSteps();
  CheckConcatenation();
  CheckSearch();
  CheckDotKernels();
  return AnyFailed() ? 1 : 0;
}
