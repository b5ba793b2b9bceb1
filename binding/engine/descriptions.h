#pragma once
#include <array>
#include <cstdint>
#include <variant>
#include <vector>

#include "engine/fused_convolution.h"
#include "kernels/bfloat16/bfloat16.h"
#include "kernels/buffer.h"
#include "kernels/elementwise/activation.h"
#include "kernels/elementwise/binary.h"
#include "kernels/int8/int8_convolution.h"
#include "kernels/pointwise/pointwise.h"
#include "kernels/pooling/average_pool.h"
#include "kernels/pooling/max_pool.h"

// What steps compute, with their weights, as data from which they are made.
namespace semisup::engine {

// A fully connected layer, with packed weights.
struct Linear {
  int64_t inputs = 0;
  int64_t outputs = 0;
  kernels::PointwiseConvolution::Packed weight;
  // [outputs], or empty.
  kernels::Buffer<float> bias;
  kernels::Activation activation;
};

// A batch normalization with constant statistics, as a factor and a term per channel, followed by
// an activation.
struct Affine {
  kernels::Buffer<float> scale;
  kernels::Buffer<float> shift;
  kernels::Activation activation;
};

// A normalization over the last dimension.
struct LayerNorm {
  int64_t columns = 0;
  // [columns], or empty.
  kernels::Buffer<float> weight;
  kernels::Buffer<float> bias;
  double epsilon = 0;
};

// A sum, a difference or a product of two tensors, or of a tensor and a constant.
struct Binary {
  kernels::BinaryOperation operation = kernels::BinaryOperation::kAdd;
  // The second operand, and its sizes; empty if that is a tensor.
  kernels::Buffer<float> constant;
  Sizes constant_sizes;
};

// Tensors, concatenated along the channels of images or along the last dimension; negative
// dimensions count from the last.
struct Concatenation {
  int64_t dimension = 0;
};

// The mean over height and width, which may remain as dimensions of size 1.
struct GlobalAveragePool {
  bool keeps_dimensions = false;
};

struct Identity {};

// Dimension i of the output is dimension order[i] of the input.
struct Permutation {
  std::vector<int64_t> order;
};

// Images [n, c, h, w] as rows [n, c * h * w].
struct Flattening {};

// The kernels of float32 convolutions.
enum class FloatKernel { kDirect, kPointwise, kGrouped, kDepthwise, kWinograd2x2, kWinograd4x4 };

// One way to compute a convolution, with packed weights. `bias`: of the output channels, or empty.
struct FloatAlgorithm {
  FloatKernel kernel = FloatKernel::kDirect;
  kernels::Buffer<float> weight;
  kernels::Buffer<float> bias;
};

// Those of bfloat16 convolutions.
enum class BFloat16Kernel { kDirect, kWinograd2x2 };

struct BFloat16Algorithm {
  BFloat16Kernel kernel = BFloat16Kernel::kDirect;
  kernels::Buffer<kernels::BFloat16> weight;
  kernels::Buffer<float> bias;
};
using Int8Algorithm = kernels::PackedInt8;
using AlgorithmDescription = std::variant<FloatAlgorithm, BFloat16Algorithm, Int8Algorithm>;

struct Convolution {
  FusedConvolution convolution;
  // For latency and for throughput mode.
  std::array<AlgorithmDescription, 2> algorithms;
};

using StepDescription = std::variant<Convolution, Linear, Affine, LayerNorm, Binary, Concatenation,
                                     GlobalAveragePool, Identity, Permutation, Flattening,
                                     kernels::Activation, kernels::AveragePool, kernels::MaxPool>;

}  // namespace semisup::engine
