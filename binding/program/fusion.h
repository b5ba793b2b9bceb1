#pragma once
#include <torch/csrc/jit/ir/ir.h>

#include <unordered_map>

#include "program/convolution_spec.h"

namespace semisup::program {

// A convolution with the residual addition and the ReLU that follow it.
struct FusedConvolution {
  ConvolutionSpec spec;
  torch::jit::Value* input;
  // Null without a residual.
  torch::jit::Value* residual;
};

// Fused convolutions, by the last node that is fused into each.
using FusedConvolutions = std::unordered_map<const torch::jit::Node*, FusedConvolution>;

// Fuses each convolution that has constant weights with the addition and the ReLU that follow it,
// if each is the only use of its input.
FusedConvolutions FuseConvolutions(const torch::jit::Graph& graph);

}  // namespace semisup::program
