// Compares the int8 and bfloat16 kernels with plain loops.
#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "checks.h"
#include "kernels/bfloat16/bfloat16_convolution.h"
#include "kernels/bfloat16/bfloat16_winograd.h"
#include "kernels/int8/int8_convolution.h"

namespace {

using namespace semisup::kernels;

constexpr int64_t kBatch = 2;

// A convolution without groups.
struct Dot {
  ConvolutionShape shape;
  HeightWidth size;
  bool has_residual;
  bool relu;
  std::optional<MaxPool> max_pool;

  int64_t OutputLength(int dimension) const {
    return (size[dimension] + 2 * shape.padding[dimension] - shape.kernel[dimension]) /
               shape.stride[dimension] +
           1;
  }
  int64_t height() const { return OutputLength(0); }
  int64_t width() const { return OutputLength(1); }
  int64_t inputs() const { return kBatch * size[0] * size[1] * shape.input_channels; }
  int64_t outputs() const { return kBatch * height() * width() * shape.output_channels; }
  int64_t weights() const {
    return shape.output_channels * shape.input_channels * shape.kernel[0] * shape.kernel[1];
  }

  // The sum of products(input, weight) of one output; `padding` is the input outside of the image.
  template <class Input, class Weight>
  double Sum(const std::vector<Input>& input, Input padding, const std::vector<Weight>& weight,
             int64_t index) const {
    const int64_t o = index % shape.output_channels;
    const int64_t pixel = index / shape.output_channels;
    const int64_t left = pixel % width() * shape.stride[1] - shape.padding[1];
    const int64_t top = pixel / width() % height() * shape.stride[0] - shape.padding[0];
    const int64_t image = pixel / (width() * height());
    const int64_t depth = shape.input_channels;
    double sum = 0;
    for (int64_t i = 0; i < shape.kernel[0]; i++) {
      for (int64_t j = 0; j < shape.kernel[1]; j++) {
        const int64_t y = top + i;
        const int64_t x = left + j;
        const bool is_inside = y >= 0 && y < size[0] && x >= 0 && x < size[1];
        for (int64_t c = 0; c < depth; c++) {
          const Input value =
              is_inside ? input[((image * size[0] + y) * size[1] + x) * depth + c] : padding;
          sum += static_cast<double>(value) *
                 weight[((o * depth + c) * shape.kernel[0] + i) * shape.kernel[1] + j];
        }
      }
    }
    return sum;
  }

  // Pools a whole output, if max_pool is set.
  template <class T>
  std::vector<T> Pooled(const std::vector<T>& output) const {
    if (!max_pool) return output;
    std::vector<T> pooled(kBatch * max_pool->OutputLength(height()) *
                          max_pool->OutputLength(width()) * shape.output_channels);
    RunMaxPool<T>({output.data(), kBatch, height(), width(), shape.output_channels}, *max_pool,
                  pooled.data());
    return pooled;
  }

  std::string Describe() const {
    return std::to_string(shape.kernel[0]) + "x" + std::to_string(shape.kernel[1]) + ", " +
           std::to_string(shape.input_channels) + " to " + std::to_string(shape.output_channels) +
           " channels, stride " + std::to_string(shape.stride[0]) +
           (has_residual ? ", residual" : "") + (max_pool ? ", max pool" : "");
  }
};

float Rounded(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
}

std::vector<float> Rounded(std::vector<float> values) {
  for (auto& value : values) value = Rounded(value);
  return values;
}

std::vector<BFloat16> ToBFloat16(const std::vector<float>& values) {
  std::vector<BFloat16> halves;
  for (const float value : values) {
    halves.push_back({static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16)});
  }
  return halves;
}

// `rounding`: how much larger than that of the output alone the error may be.
template <class Kernel>
void CheckBFloat16(const Dot& dot, const char* name, double rounding) {
  if (!Kernel::Supports(dot.shape)) return;
  const auto input = Rounded(RandomValues(dot.inputs()));
  const auto weight = Rounded(RandomValues(dot.weights()));
  const auto bias = RandomValues(dot.shape.output_channels);
  const auto residual = Rounded(RandomValues(dot.outputs()));
  std::vector<float> expected(static_cast<size_t>(dot.outputs()));
  for (int64_t i = 0; i < dot.outputs(); i++) {
    double sum = dot.Sum(input, 0.0F, weight, i);
    if (dot.relu) sum += bias[i % dot.shape.output_channels];
    if (dot.has_residual) sum += residual[i];
    expected[i] = static_cast<float>(dot.relu ? std::max(sum, 0.0) : sum);
  }
  const auto inputs = ToBFloat16(input);
  const auto residuals = ToBFloat16(residual);
  const Kernel kernel(ToBFloat16(weight).data(), dot.shape);
  const bool is_pooled = dot.max_pool && kernel.FusesMaxPool();
  if (is_pooled) expected = dot.Pooled(expected);
  std::vector<BFloat16> output(expected.size());
  HeapWorkspace workspace;
  kernel.Run({.input = inputs.data(),
              .bias = dot.relu ? bias.data() : nullptr,
              .residual = dot.has_residual ? residuals.data() : nullptr,
              .output = output.data(),
              .batch = kBatch,
              .height = dot.height(),
              .width = dot.width(),
              .input_height = dot.size[0],
              .input_width = dot.size[1],
              .relu = dot.relu,
              .max_pool = is_pooled ? &*dot.max_pool : nullptr},
             workspace);
  // Relative to half a unit in the last place of the output, and to the rounding of the sums and
  // of what is multiplied.
  const auto depth = static_cast<double>(dot.weights() / dot.shape.output_channels);
  double error = 0;
  for (size_t i = 0; i < output.size(); i++) {
    const double bound = std::abs(expected[i]) / 256 + 1e-6 * depth + rounding * std::sqrt(depth);
    const double difference = std::abs(ToFloat(output[i]) - expected[i]) / bound;
    if (!(difference <= error)) error = difference;
  }
  Report(name + (" " + dot.Describe()), error, 1);
}

void CheckInt8(const Dot& dot, int spread) {
  const int64_t outputs = dot.shape.output_channels;
  RequantizationParameters parameters;
  parameters.input_zero_point = 31;
  const auto scales = RandomValues(outputs);
  const auto depth = static_cast<double>(dot.weights() / outputs);
  for (int64_t o = 0; o < outputs; o++) {
    parameters.scale.push_back(
        static_cast<float>((0.002 + 0.001 * scales[o]) / std::sqrt(depth) * 127 / spread));
    parameters.offset.push_back(100 + 20 * scales[o]);
  }
  parameters.residual_scale = dot.has_residual ? 0.7F : 0;
  if (!Int8Convolution::Supports(dot.shape, parameters)) return;
  const auto to_bytes = [](const std::vector<float>& values) {
    std::vector<uint8_t> bytes;
    for (const float value : values) bytes.push_back(static_cast<uint8_t>(127.5F + 127.5F * value));
    return bytes;
  };
  const auto input = to_bytes(RandomValues(dot.inputs()));
  const auto residual = to_bytes(RandomValues(dot.outputs()));
  std::vector<int8_t> weight;
  for (const float value : RandomValues(dot.weights())) {
    weight.push_back(static_cast<int8_t>(std::lround(value * spread)));
  }
  // Neighbors of the largest magnitude, whose products saturate first.
  for (int64_t i = 0; i < std::min<int64_t>(8, dot.weights()); i++) {
    weight[i] = static_cast<int8_t>(i < 4 ? spread : -spread);
  }
  std::vector<uint8_t> expected(static_cast<size_t>(dot.outputs()));
  for (int64_t i = 0; i < dot.outputs(); i++) {
    const int64_t o = i % outputs;
    double sum = dot.Sum<uint8_t>(input, parameters.input_zero_point, weight, i);
    for (int64_t j = 0; j < dot.weights() / outputs; j++) {
      sum -= parameters.input_zero_point * weight[o * (dot.weights() / outputs) + j];
    }
    double value = sum * parameters.scale[o] + parameters.offset[o];
    if (dot.has_residual) value += residual[i] * parameters.residual_scale;
    expected[i] = static_cast<uint8_t>(std::clamp(std::nearbyint(value), 0.0, 255.0));
  }
  expected = dot.Pooled(expected);
  std::vector<uint8_t> output(expected.size());
  HeapWorkspace workspace;
  Int8Convolution(weight.data(), dot.shape, parameters)
      .Run({.input = input.data(),
            .residual = dot.has_residual ? residual.data() : nullptr,
            .output = output.data(),
            .batch = kBatch,
            .height = dot.height(),
            .width = dot.width(),
            .input_height = dot.size[0],
            .input_width = dot.size[1],
            .max_pool = dot.max_pool ? &*dot.max_pool : nullptr},
           workspace);
  // Rounding in float32 may change a value halfway between two bytes.
  double error = 0;
  int64_t different = 0;
  for (size_t i = 0; i < output.size(); i++) {
    error = std::max(error, std::abs(static_cast<double>(output[i]) - expected[i]));
    different += output[i] != expected[i];
  }
  if (different > static_cast<int64_t>(output.size()) / 50) error = 255;
  Report("int8 " + dot.Describe() + ", weights to " + std::to_string(spread), error, 1);
}

}  // namespace

void CheckDotKernels() {
  using namespace semisup::kernels;
  const MaxPool pool{.kernel = 3, .stride = 2, .padding = 1};
  const Dot cases[]{
      {{64, 64, 1, {1, 1}, {1, 1}, {0, 0}}, {9, 7}, false, true, {}},
      {{256, 128, 1, {1, 1}, {1, 1}, {0, 0}}, {7, 7}, true, true, {}},
      {{128, 64, 1, {1, 1}, {2, 2}, {0, 0}}, {9, 8}, true, false, {}},
      // Rows of windows that end within a lane, a step of AMX, or are shorter than one.
      {{5, 64, 1, {1, 1}, {1, 1}, {0, 0}}, {6, 5}, true, true, {}},
      {{50, 64, 1, {1, 1}, {1, 1}, {0, 0}}, {6, 5}, false, true, {}},
      {{3, 64, 1, {7, 7}, {2, 2}, {3, 3}}, {20, 20}, false, true, {}},
      {{3, 64, 1, {7, 7}, {2, 2}, {3, 3}}, {20, 18}, false, true, pool},
      {{64, 64, 1, {3, 3}, {1, 1}, {1, 1}}, {13, 11}, true, true, {}},
      {{64, 64, 1, {3, 3}, {1, 1}, {1, 1}}, {40, 37}, false, false, {}},
      {{48, 192, 1, {3, 3}, {1, 1}, {1, 1}}, {7, 7}, true, true, {}},
      {{16, 64, 1, {3, 3}, {1, 1}, {1, 1}}, {1, 2}, false, false, {}},
      {{64, 192, 1, {3, 3}, {2, 2}, {1, 1}}, {13, 11}, false, true, {}},
      {{704, 64, 1, {3, 3}, {1, 1}, {0, 0}}, {5, 6}, true, true, {}},
      {{32, 64, 1, {5, 3}, {1, 2}, {2, 0}}, {8, 9}, true, false, {}},
  };
  for (const auto& dot : cases) {
    CheckBFloat16<BFloat16Convolution>(dot, "bfloat16", 0);
    CheckBFloat16<BFloat16Winograd>(dot, "bfloat16 Winograd", 0.007);
    // Sums that are float bits, and sums that are too large for that.
    CheckInt8(dot, Int8Convolution::MaxWeight());
    CheckInt8(dot, 20);
  }
}
