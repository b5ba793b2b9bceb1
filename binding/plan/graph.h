#pragma once
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "convolution.h"
#include "pooling.h"

namespace semisup::plan {

// The graph of a method of a module in eval mode: weights are constants, batch norms are folded
// into the convolutions before them, nothing is changed in place where that can be told.
std::shared_ptr<torch::jit::Graph> FrozenGraph(const torch::jit::Module& module,
                                               const std::string& method);

// Why no plan can be made of a graph; empty if one can. It takes one batch of images and gives one
// tensor, by the operators of residual networks alone, each of which keeps the images apart.
std::string WhyUnplannable(const torch::jit::Graph& graph);

// A convolution with the nodes after it that it does as well.
struct FusedConvolution {
  ConvolutionSpec spec;
  torch::jit::Value* input;
  // What is added, or null.
  torch::jit::Value* other;
};

// The convolutions with constant weights, by the last of the nodes that each does.
std::unordered_map<const torch::jit::Node*, FusedConvolution> FuseConvolutions(
    const torch::jit::Graph& graph);

// A matrix times rows.
struct LinearSpec {
  at::Tensor weight;
  // Or undefined.
  at::Tensor bias;
};

// That of a node with constant weights, if it is one.
std::optional<LinearSpec> AsLinear(const torch::jit::Node* node);

// A maximum over square windows without gaps, if the node is one.
std::optional<Pooling> AsMaxPool(const torch::jit::Node* node);

// Whether it is the mean of all pixels.
bool IsMeanOfPixels(const torch::jit::Node* node);

}  // namespace semisup::plan
