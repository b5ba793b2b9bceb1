#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace semisup::program {

// The precision in which a program's convolutions compute; inputs and outputs are float32.
enum class ComputePrecision { kFloat32, kTf32, kBFloat16, kFloat16, kInt8 };

// Throws std::invalid_argument for an unknown name.
ComputePrecision PrecisionFromName(const std::string& name);

// E.g. "float32".
const char* NameOf(ComputePrecision precision);

// The floating-point dtype of weights and activations; float32 for int8, which is quantized from
// it.
at::ScalarType DTypeOf(ComputePrecision precision);

// The largest accepted RelativeDifference() between a program's output and the float32 output.
double ToleranceOf(ComputePrecision precision);

// The maximum absolute difference, relative to the maximum magnitude of `expected`. Infinity if the
// shapes differ; NaN if either tensor contains NaN, so compare it as !(difference <= tolerance).
double RelativeDifference(const at::Tensor& actual, const at::Tensor& expected);
// The largest one of several outputs.
double LargestRelativeDifference(const std::vector<at::Tensor>& actual,
                                 const std::vector<at::Tensor>& expected);

}  // namespace semisup::program
