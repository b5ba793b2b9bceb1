#pragma once
#include <optional>

#include "engine/tensor.h"
#include "kernels/convolution_shape.h"
#include "kernels/elementwise/activation.h"
#include "kernels/pooling/max_pool.h"

namespace semisup::engine {

// A convolution and what is fused into it, without its weights.
struct FusedConvolution {
  kernels::ConvolutionShape shape;
  // Of its images.
  DType dtype = DType::kFloat32;
  // Whether a residual is added to the output, and whether a ReLU follows.
  bool has_residual = false;
  bool relu = false;
  // Applied after the ReLU and before max pooling; of float32 only.
  kernels::Activation activation = {};
  // Of a convolution without a residual.
  std::optional<kernels::MaxPool> max_pool = std::nullopt;
  // Of bytes.
  kernels::Quantization input_quantization = {};
  kernels::Quantization residual_quantization = {};
  kernels::Quantization output_quantization = {};

  // The output's sizes for an input's, before pooling. Throws std::invalid_argument if the input
  // has other channels, or is smaller than the kernel.
  Sizes OutputSizes(const Sizes& input) const;
  // The sizes after pooling, if any.
  Sizes PooledSizes(Sizes output) const;
};

}  // namespace semisup::engine
