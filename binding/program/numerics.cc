#include "program/numerics.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <ATen/ops/sub.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

namespace semisup::program {
namespace {

constexpr std::array<std::pair<ComputePrecision, const char*>, 5> kNames{
    {{ComputePrecision::kFloat32, "float32"},
     {ComputePrecision::kTf32, "tf32"},
     {ComputePrecision::kBFloat16, "bfloat16"},
     {ComputePrecision::kFloat16, "float16"},
     {ComputePrecision::kInt8, "int8"}}};

}  // namespace

ComputePrecision PrecisionFromName(const std::string& name) {
  for (const auto& [precision, known] : kNames) {
    if (name == known) return precision;
  }
  throw std::invalid_argument("Expected the name of a precision, but received '" + name + "'.");
}

const char* NameOf(ComputePrecision precision) {
  return std::find_if(kNames.begin(), kNames.end(),
                      [=](const auto& entry) { return entry.first == precision; })
      ->second;
}

at::ScalarType DTypeOf(ComputePrecision precision) {
  switch (precision) {
    case ComputePrecision::kBFloat16:
      return at::kBFloat16;
    case ComputePrecision::kFloat16:
      return at::kHalf;
    default:
      return at::kFloat;
  }
}

double ToleranceOf(ComputePrecision precision) {
  switch (precision) {
    case ComputePrecision::kFloat32:
      return 1e-3;
    case ComputePrecision::kInt8:
      return 0.2;
    default:
      return 5e-2;
  }
}

double RelativeDifference(const at::Tensor& actual, const at::Tensor& expected) {
  if (actual.sizes() != expected.sizes()) return std::numeric_limits<double>::infinity();
  const double difference = at::sub(actual, expected).abs().max().item().toDouble();
  return difference == 0 ? 0 : difference / expected.abs().max().item().toDouble();
}

double LargestRelativeDifference(const std::vector<at::Tensor>& actual,
                                 const std::vector<at::Tensor>& expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (size_t i = 0; i < actual.size(); i++) {
    const double difference = RelativeDifference(actual[i], expected[i]);
    // Negated, so that NaN stays.
    if (!(difference <= largest)) largest = difference;
    if (std::isnan(largest)) break;
  }
  return largest;
}

}  // namespace semisup::program
