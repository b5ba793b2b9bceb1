#pragma once
#include <ATen/core/Tensor.h>

#include "kernels/int8/quantization.h"

namespace semisup::plan {

using kernels::Quantization;

// float32 images to uint8, channels-last, and back.
at::Tensor Quantize(const at::Tensor& values, const Quantization& quantization);
at::Tensor Dequantize(const at::Tensor& bytes, const Quantization& quantization);

}  // namespace semisup::plan
