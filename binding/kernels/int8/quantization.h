#pragma once
#include <cstdint>

namespace semisup::kernels {

// Affine quantization to uint8: a real value r is stored as round(r / scale) + zero_point.
struct Quantization {
  double scale = 1;
  int64_t zero_point = 0;

  bool operator==(const Quantization&) const = default;

  // The quantization of values from `min` to `max`, extended to include zero: padding must be
  // exact.
  static Quantization ForRange(double min, double max);
};

// Quantizes `count` values. Values out of range saturate.
void Quantize(const float* values, int64_t count, const Quantization& quantization,
              uint8_t* output);
// Quantizes an NCHW batch to NHWC.
void QuantizeNchw(const float* images, int64_t batch, int64_t channels, int64_t height,
                  int64_t width, const Quantization& quantization, uint8_t* output);
void Dequantize(const uint8_t* bytes, int64_t count, const Quantization& quantization,
                float* output);

}  // namespace semisup::kernels
