#include "image/top_k.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace semisup {
namespace {

// Copies values into an array that V8 owns.
template <class Array, class T>
Array ToTypedArray(Napi::Env env, const std::vector<T>& values) {
  auto array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace

TopClasses SoftmaxTopK(const float* logits, int64_t rows, int64_t classes, int64_t k,
                       const std::vector<double>& temperatures) {
  if (k > classes) {
    throw std::invalid_argument("Expected at least " + std::to_string(k) +
                                " logits per image, but received " + std::to_string(classes) + ".");
  }
  if (!temperatures.empty() && temperatures.size() != static_cast<size_t>(rows)) {
    throw std::invalid_argument("Expected one temperature per row of logits.");
  }
  TopClasses top;
  std::vector<int32_t> order(static_cast<size_t>(classes));
  for (int64_t i = 0; i < rows; i++) {
    const float* row = logits + i * classes;
    const auto precedes = [row](int32_t a, int32_t b) {
      const bool is_nan = std::isnan(row[a]);
      if (is_nan != std::isnan(row[b])) return is_nan;
      return is_nan || row[a] == row[b] ? a < b : row[a] > row[b];
    };
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + k, order.end(), precedes);
    // The largest logit is subtracted, so that no exponential overflows. The quotient is computed
    // in double, in which no temperature rounds to zero.
    const float largest = k > 0 ? row[order[0]] : 0;
    const double temperature = temperatures.empty() ? 1 : temperatures[i];
    const auto exponential = [largest, temperature](float logit) {
      return std::exp(static_cast<float>((logit - largest) / temperature));
    };
    double sum = 0;
    for (int64_t c = 0; c < classes; c++) sum += exponential(row[c]);
    for (int64_t c = 0; c < k; c++) {
      top.indices.push_back(order[c]);
      top.probabilities.push_back(static_cast<float>(exponential(row[order[c]]) / sum));
    }
  }
  return top;
}

std::vector<double> ReadTemperatures(Napi::Value value) {
  if (value.IsUndefined()) return {};
  const auto array = value.As<Napi::Float64Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

Napi::Value ToJs(Napi::Env env, const TopClasses& top) {
  auto result = Napi::Object::New(env);
  result.Set("indices", ToTypedArray<Napi::Int32Array>(env, top.indices));
  result.Set("probabilities", ToTypedArray<Napi::Float32Array>(env, top.probabilities));
  return result;
}

}  // namespace semisup
