#pragma once
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <string>
#include <vector>

namespace semisup::program {

// The graph of a method of a module in eval mode: weights are constants, batch norms are folded
// into the preceding convolutions, and in-place operators are replaced where possible.
std::shared_ptr<torch::jit::Graph> FrozenGraph(const torch::jit::Module& module,
                                               const std::string& method);

// The tensors that a graph returns: one, or the elements of a list or a tuple. Empty if it returns
// anything else.
std::vector<const torch::jit::Value*> OutputsOf(const torch::jit::Graph& graph);

// Why a graph cannot be compiled, as a clause; empty if it can. Graphs are supported if they map
// one batch of images to tensors, without control flow or mutation, and process each image
// independently of the others.
std::string UnsupportedReason(const torch::jit::Graph& graph);

}  // namespace semisup::program
