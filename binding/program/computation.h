#pragma once
#include <ATen/core/Tensor.h>

#include <variant>

#include "engine/descriptions.h"
#include "kernels/elementwise/activation.h"
#include "kernels/elementwise/binary.h"
#include "kernels/pooling/average_pool.h"
#include "kernels/pooling/max_pool.h"

// What the operators compute that backends may have kernels for.
namespace semisup::program {

// A fully connected layer with constant weights.
struct LinearSpec {
  // [outputs, inputs].
  at::Tensor weight;
  // [outputs], or undefined.
  at::Tensor bias;
};

// A sum, a difference or a product of two tensors, or of a tensor and a constant.
struct BinarySpec {
  kernels::BinaryOperation operation;
  // The second operand; undefined if it is a tensor.
  at::Tensor constant;
};

// A batch normalization with constant statistics, as a factor and a term per channel.
struct AffineSpec {
  at::Tensor scale;
  at::Tensor shift;
};

// A normalization over the last dimension.
struct LayerNormSpec {
  int64_t columns;
  // [columns], or undefined.
  at::Tensor weight;
  at::Tensor bias;
  double epsilon;
};

using engine::Concatenation;
using engine::Flattening;
using engine::GlobalAveragePool;
using engine::Identity;
using engine::Permutation;

// None for other operators.
using Computation =
    std::variant<std::monostate, LinearSpec, GlobalAveragePool, BinarySpec, AffineSpec,
                 LayerNormSpec, Concatenation, Identity, Permutation, Flattening,
                 kernels::Activation, kernels::AveragePool, kernels::MaxPool>;

}  // namespace semisup::program
