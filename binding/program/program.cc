#include "program/program.h"

#include <ATen/ops/cat.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/canonicalize.h>

#include <memory>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "program/fusion.h"
#include "program/graph.h"

namespace semisup::program {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

// The nodes that the outputs depend on. Of the nodes that are fused into a convolution, only the
// last is included: it represents the convolution.
std::unordered_set<const Node*> LiveNodes(Graph& graph, const FusedConvolutions& fused) {
  std::unordered_set<const Node*> live;
  const auto mark = [&](const Value* value) { live.insert(value->node()); };
  for (const auto* output : OutputsOf(graph)) mark(output);
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (!live.count(*node)) continue;
    const auto convolution = fused.find(*node);
    if (convolution == fused.end()) {
      for (const auto* value : OperandsOf(*node)) mark(value);
      continue;
    }
    mark(convolution->second.input);
    if (convolution->second.residual) mark(convolution->second.residual);
  }
  return live;
}

Operator OperatorOf(const Node* node) {
  const auto concatenation = MatchConcatenation(node);
  if (!concatenation) return node->getOperation();
  return [dimension = concatenation->dimension](std::vector<c10::IValue>& stack) {
    std::vector<at::Tensor> tensors;
    for (const auto& value : stack) tensors.push_back(value.toTensor());
    stack.assign(1, at::cat(tensors, dimension));
  };
}

void FindLastUses(Program& program) {
  std::vector<bool> is_used;
  for (const auto& constant : program.constants) is_used.push_back(!constant.isNone());
  for (const int output : program.outputs) is_used[output] = true;
  for (auto step = program.steps.rbegin(); step != program.steps.rend(); ++step) {
    step->values.FindLastUses(is_used);
  }
}

std::string SignatureOf(const std::shared_ptr<Graph>& graph) {
  // The names of values differ between a module that was built and the same one loaded from a file.
  const auto canonical = torch::jit::Canonicalize(graph, /*keep_unique_names=*/false);
  std::ostringstream text;
  for (const auto* value : canonical->inputs()) text << value->debugName() << ';';
  for (const auto* node : canonical->nodes()) {
    node->print(text, 0, nullptr, false, false, false, false);
    for (const auto* output : node->outputs()) {
      const auto constant = torch::jit::toIValue(output);
      if (constant && constant->isTensor()) text << constant->toTensor().sizes();
    }
    text << ';';
  }
  return std::move(text).str();
}

}  // namespace

Program Compile(const torch::jit::Module& module, const std::string& method) {
  const auto frozen = FrozenGraph(module, method);
  auto& graph = *frozen;
  if (const auto reason = UnsupportedReason(graph); !reason.empty()) {
    throw UnsupportedGraph(reason);
  }
  const auto fused = FuseConvolutions(graph);
  const auto live = LiveNodes(graph, fused);

  Program program;
  program.signature = SignatureOf(frozen);
  std::unordered_map<const Value*, int> indices;
  const auto index_of = [&](const Value* value) {
    const auto [found, is_new] = indices.try_emplace(value, static_cast<int>(indices.size()));
    if (is_new) program.constants.emplace_back();
    return found->second;
  };
  program.input = index_of(graph.inputs()[1]);
  for (const auto* node : graph.nodes()) {
    if (!live.count(node)) continue;
    if (node->kind() == c10::prim::Constant) {
      const int constant = index_of(node->output());
      program.constants[constant] = *torch::jit::toIValue(node->output());
      continue;
    }
    Step step;
    if (const auto found = fused.find(node); found != fused.end()) {
      step.convolution = found->second.spec;
      step.values.inputs.push_back(index_of(found->second.input));
      if (found->second.residual) {
        step.values.inputs.push_back(index_of(found->second.residual));
      }
    } else {
      for (const auto* value : OperandsOf(node)) {
        const bool is_constant = value->node()->kind() == c10::prim::Constant;
        if (!is_constant) step.variable_inputs.push_back(step.values.inputs.size());
        step.values.inputs.push_back(index_of(value));
      }
      step.computation = ComputationOf(node);
      step.op = OperatorOf(node);
      step.name = node->kind().toQualString();
    }
    step.values.output = index_of(node->output());
    program.steps.push_back(std::move(step));
  }
  for (const auto* output : OutputsOf(graph)) program.outputs.push_back(index_of(output));
  program.returns_sequence = !IsTensor(graph.outputs()[0]);
  FindLastUses(program);
  return program;
}

}  // namespace semisup::program
