// Compares elementwise functions, normalization and pooling with plain loops in double precision.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "checks.h"
#include "kernels/elementwise/activation.h"
#include "kernels/elementwise/affine.h"
#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/concatenation.h"
#include "kernels/normalization/layer_norm.h"
#include "kernels/pooling/average_pool.h"

namespace {

using namespace semisup::kernels;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
// Numbers of channels that fill vectors of every width, and others.
constexpr int64_t kColumns[]{1, 3, 4, 16, 37, 64, 77, 130};

// The larger error of an element, relative to 1 or to a larger expected magnitude; infinity if one
// of both is NaN or infinite and the other is not the same.
double ErrorOf(double actual, double expected) {
  if (std::isnan(expected)) return std::isnan(actual) ? 0 : kInfinity;
  if (std::isinf(expected)) return actual == expected ? 0 : kInfinity;
  const double error = std::abs(actual - expected) / std::max(1.0, std::abs(expected));
  return std::isnan(error) ? kInfinity : error;
}

double ErrorOf(const std::vector<float>& actual, const std::function<double(int64_t)>& expected) {
  double error = 0;
  for (size_t i = 0; i < actual.size(); i++) {
    error = std::max(error, ErrorOf(actual[i], expected(static_cast<int64_t>(i))));
  }
  return error;
}

double Clamp(double x, double low, double high) {
  return std::isnan(x) ? x : std::clamp(x, low, high);
}

double Expected(const Activation& activation, double x) {
  switch (activation.kind) {
    case ActivationKind::kNone:
      return x;
    case ActivationKind::kRelu:
      return Clamp(x, 0, kInfinity);
    case ActivationKind::kClamp:
      return Clamp(x, activation.low, activation.high);
    case ActivationKind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case ActivationKind::kSilu:
      return x / (1 + std::exp(-x));
    case ActivationKind::kHardsigmoid:
      return Clamp(x + 3, 0, 6) / 6;
    case ActivationKind::kHardswish:
      // As in PyTorch, the product may overflow.
      return static_cast<float>(x * Clamp(x + 3, 0, 6)) / 6.0;
    case ActivationKind::kGelu:
      return x * std::erfc(-x / std::sqrt(2.0)) / 2;
    case ActivationKind::kGeluTanh:
      return x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))) / 2;
  }
  return kNan;
}

// A grid through every magnitude, with extremes, at each position of a vector.
std::vector<float> Grid() {
  std::vector<float> values{0,        -0.0F,   kNan,    kInfinity, -kInfinity, 3.4e38F,
                            -3.4e38F, 1e-45F,  -1e-45F, 1.1e-38F,  -1.1e-38F,  88.72F,
                            -88.72F,  -103.9F, -104.5F, -87.4F};
  for (float x = -20; x < 20; x += 0.0137F) values.push_back(x);
  for (float x = 1e-30F; x < 1e30F; x *= 1.37F) {
    values.push_back(x);
    values.push_back(-x);
  }
  return values;
}

void CheckActivations() {
  const auto input = Grid();
  const Activation activations[]{
      {.kind = ActivationKind::kNone},      {.kind = ActivationKind::kRelu},
      {ActivationKind::kClamp, 0, 6},       {ActivationKind::kClamp, -1.5F, 0.25F},
      {.kind = ActivationKind::kSigmoid},   {.kind = ActivationKind::kSilu},
      {.kind = ActivationKind::kGelu},      {.kind = ActivationKind::kGeluTanh},
      {.kind = ActivationKind::kHardswish}, {.kind = ActivationKind::kHardsigmoid},
  };
  for (const auto& activation : activations) {
    double error = 0;
    for (int64_t offset = 0; offset < 17; offset++) {
      std::vector<float> output(input.size() - offset);
      RunActivation(activation, input.data() + offset, static_cast<int64_t>(output.size()),
                    output.data());
      error = std::max(
          error, ErrorOf(output, [&](int64_t i) {
            return static_cast<double>(static_cast<float>(Expected(activation, input[i + offset])));
          }));
    }
    Report("activation " + std::to_string(static_cast<int>(activation.kind)), error, 1e-6);
  }
}

double Combined(BinaryOperation operation, double a, double b) {
  switch (operation) {
    case BinaryOperation::kAdd:
      return a + b;
    case BinaryOperation::kSubtract:
      return a - b;
    case BinaryOperation::kReverseSubtract:
      return b - a;
    case BinaryOperation::kMultiply:
      return a * b;
  }
  return kNan;
}

void CheckBinary() {
  constexpr int64_t kRows = 12;
  for (const int64_t columns : kColumns) {
    for (const int64_t rows_per_b_row : {1, 4, 12}) {
      for (const auto operation : {BinaryOperation::kAdd, BinaryOperation::kSubtract,
                                   BinaryOperation::kReverseSubtract, BinaryOperation::kMultiply}) {
        const auto a = RandomValues(kRows * columns);
        auto b = RandomValues(kRows / rows_per_b_row * columns);
        b[0] = kNan;
        auto output = a;
        RunBinary(
            {operation, output.data(), b.data(), output.data(), kRows, columns, rows_per_b_row});
        const double error = ErrorOf(output, [&](int64_t i) {
          return Combined(operation, a[i], b[i / columns / rows_per_b_row * columns + i % columns]);
        });
        Report("binary of " + std::to_string(columns) + " columns", error, 1e-7);
      }
    }
  }
}

void CheckAffine() {
  for (const int64_t columns : kColumns) {
    const auto input = RandomValues(5 * columns);
    const auto scale = RandomValues(columns);
    const auto shift = RandomValues(columns);
    std::vector<float> output(input.size());
    RunAffine({.input = input.data(),
               .scale = scale.data(),
               .shift = shift.data(),
               .output = output.data(),
               .rows = 5,
               .columns = columns,
               .activation = {.kind = ActivationKind::kRelu}});
    const double error = ErrorOf(output, [&](int64_t i) {
      return std::max(0.0, double{input[i]} * scale[i % columns] + shift[i % columns]);
    });
    Report("affine of " + std::to_string(columns) + " columns", error, 1e-6);
  }
}

void CheckLayerNorm() {
  constexpr int64_t kRows = 5;
  constexpr double kEpsilon = 1e-6;
  for (const int64_t columns : kColumns) {
    for (const bool has_weight : {false, true}) {
      auto input = RandomValues(kRows * columns);
      input[2 * columns] = kNan;
      const auto weight = RandomValues(columns);
      const auto bias = RandomValues(columns);
      auto output = input;
      RunLayerNorm({.input = output.data(),
                    .weight = has_weight ? weight.data() : nullptr,
                    .bias = has_weight ? bias.data() : nullptr,
                    .output = output.data(),
                    .rows = kRows,
                    .columns = columns,
                    .epsilon = static_cast<float>(kEpsilon)});
      const double error = ErrorOf(output, [&](int64_t i) {
        const float* row = input.data() + i / columns * columns;
        double mean = 0;
        double variance = 0;
        for (int64_t c = 0; c < columns; c++) mean += row[c] / static_cast<double>(columns);
        for (int64_t c = 0; c < columns; c++) {
          variance += (row[c] - mean) * (row[c] - mean) / static_cast<double>(columns);
        }
        const double value = (input[i] - mean) / std::sqrt(variance + kEpsilon);
        return has_weight ? value * weight[i % columns] + bias[i % columns] : value;
      });
      Report("layer norm of " + std::to_string(columns) + " columns", error, 1e-5);
    }
  }
}

void CheckAveragePool() {
  constexpr int64_t kBatch = 2;
  constexpr int64_t kHeight = 7;
  constexpr int64_t kWidth = 10;
  for (const int64_t channels : kColumns) {
    for (const bool counts_padding : {false, true}) {
      const AveragePool pool{
          .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1}, .counts_padding = counts_padding};
      const auto input = RandomValues(kBatch * kHeight * kWidth * channels);
      const int64_t rows = pool.OutputLength(0, kHeight);
      const int64_t columns = pool.OutputLength(1, kWidth);
      std::vector<float> output(static_cast<size_t>(kBatch * rows * columns * channels));
      RunAveragePool({input.data(), kBatch, kHeight, kWidth, channels}, pool, output.data());
      const double error = ErrorOf(output, [&](int64_t i) {
        const int64_t pixel = i / channels;
        const int64_t image = pixel / columns / rows;
        double sum = 0;
        int count = 0;
        for (int64_t y = 0; y < 3; y++) {
          for (int64_t x = 0; x < 2; x++) {
            const int64_t at_y = pixel / columns % rows * 2 - 1 + y;
            const int64_t at_x = pixel % columns - 1 + x;
            if (at_y < 0 || at_y >= kHeight || at_x < 0 || at_x >= kWidth) continue;
            sum += input[((image * kHeight + at_y) * kWidth + at_x) * channels + i % channels];
            count++;
          }
        }
        return sum / (counts_padding ? 6 : count);
      });
      Report("average pool of " + std::to_string(channels) + " channels", error, 1e-6);
    }
  }
}

}  // namespace

void CheckSteps() {
  CheckActivations();
  CheckBinary();
  CheckAffine();
  CheckLayerNorm();
  CheckAveragePool();
}

void CheckConcatenation() {
  const auto a = RandomValues(6 * 3);
  const auto b = RandomValues(6 * 5);
  std::vector<float> output(6 * 8);
  Concatenate({{a.data(), 3 * sizeof(float)}, {b.data(), 5 * sizeof(float)}}, 6, output.data());
  const double error = ErrorOf(output, [&](int64_t i) {
    return i % 8 < 3 ? a[i / 8 * 3 + i % 8] : b[i / 8 * 5 + i % 8 - 3];
  });
  Report("concatenation", error, 0);
}
