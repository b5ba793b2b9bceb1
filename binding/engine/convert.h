#pragma once
#include "engine/tensor.h"

namespace semisup::engine {

// Return the tensor itself if it has the type already. Quantized bytes are dequantized.
Tensor ToFloat32(const Tensor& tensor);
Tensor ToBFloat16(const Tensor& tensor);
// Images to quantized bytes, NHWC.
Tensor ToQuantized(const Tensor& images, const kernels::Quantization& quantization);

}  // namespace semisup::engine
