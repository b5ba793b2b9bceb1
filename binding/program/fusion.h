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

// By the last node that is fused into each.
using FusedConvolutions = std::unordered_map<const torch::jit::Node*, FusedConvolution>;

// Fuses each convolution with constant weights with the additions and ReLUs that are the only use
// of its output.
FusedConvolutions FuseConvolutions(const torch::jit::Graph& graph);

}  // namespace semisup::program
