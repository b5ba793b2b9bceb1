#pragma once
#include <napi.h>

#include <cstdint>
#include <vector>

namespace semisup {

// The most probable classes of each of several images, best first.
struct TopClasses {
  std::vector<int32_t> indices;
  std::vector<float> probabilities;
};

// Softmax and top-k of rows of logits, each divided by its temperature, if there are any. NaN
// precedes all numbers; of equal logits, the lower index comes first. Throws std::invalid_argument
// if there are fewer than `k` classes, or another number of temperatures than of rows.
TopClasses SoftmaxTopK(const float* logits, int64_t rows, int64_t classes, int64_t k,
                       const std::vector<double>& temperatures = {});

// The values of a Float64Array; none if it is undefined.
std::vector<double> ReadTemperatures(Napi::Value value);

// { indices, probabilities }, typed arrays [rows, k].
Napi::Value ToJs(Napi::Env env, const TopClasses& top);

}  // namespace semisup
