#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace semisup::plan {

// A real number r is kept as the byte r / scale + zero_point.
struct Quantization {
  double scale = 1;
  int64_t zero_point = 0;

  // For numbers from `least` to `most`.
  static Quantization Of(double least, double most);
};

// float32 to uint8, with channels innermost, and back.
at::Tensor Quantize(const at::Tensor& values, const Quantization& quantization);
at::Tensor Dequantize(const at::Tensor& bytes, const Quantization& quantization);

}  // namespace semisup::plan
