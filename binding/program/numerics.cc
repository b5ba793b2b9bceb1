#include "program/numerics.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <ATen/ops/sub.h>

#include <limits>
#include <stdexcept>

namespace semisup::program {

ComputePrecision PrecisionFromName(const std::string& name) {
  if (name == "float32") return ComputePrecision::kFloat32;
  if (name == "tf32") return ComputePrecision::kTf32;
  if (name == "bfloat16") return ComputePrecision::kBFloat16;
  if (name == "float16") return ComputePrecision::kFloat16;
  if (name == "int8") return ComputePrecision::kInt8;
  throw std::invalid_argument("Expected the name of a precision, but received '" + name + "'.");
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

}  // namespace semisup::program
