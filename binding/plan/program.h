#pragma once
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "graph.h"

namespace semisup::plan {

// Why no plan can be made of a method.
struct Unplannable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What is done to values, which are told by their numbers.
struct Instruction {
  torch::jit::Node* node = nullptr;
  // Where the node and others before it are one convolution; its inputs are what it is of, and what
  // is added.
  std::optional<ConvolutionSpec> convolution;
  std::vector<int> inputs;
  int output = 0;
  // Which values no later instruction needs.
  std::vector<int> last_uses;
};

using Values = std::vector<c10::IValue>;

// A method of a frozen module as a list of instructions.
struct Program {
  std::shared_ptr<torch::jit::Graph> graph;
  std::vector<Instruction> instructions;
  // By value; nothing where it is computed.
  Values constants;
  int input = 0;
  int output = 0;

  // What tells it from those of other shapes: the graph without its numbers.
  std::string Signature() const;
};

// Throws Unplannable.
Program Compile(const torch::jit::Module& module, const std::string& method);

}  // namespace semisup::plan
