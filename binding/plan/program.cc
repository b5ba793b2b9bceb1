#include "program.h"

#include <torch/csrc/jit/ir/constants.h>

#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace semisup::plan {
namespace {

using Fused = std::unordered_map<const torch::jit::Node*, FusedConvolution>;

// The nodes that are needed. What a fused convolution does as well is none; it is found from its
// end.
std::unordered_set<const torch::jit::Node*> WantedOf(torch::jit::Graph& graph, const Fused& fused) {
  std::unordered_set<const torch::jit::Node*> wanted;
  const auto want = [&](const torch::jit::Value* value) { wanted.insert(value->node()); };
  want(graph.outputs()[0]);
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (!wanted.count(*node)) continue;
    const auto convolution = fused.find(*node);
    if (convolution == fused.end()) {
      for (const auto* value : (*node)->inputs()) want(value);
      continue;
    }
    want(convolution->second.input);
    if (convolution->second.other) want(convolution->second.other);
  }
  return wanted;
}

void FindLastUses(Program& program) {
  std::vector<bool> is_used(program.constants.size(), false);
  is_used[program.output] = true;
  auto& instructions = program.instructions;
  for (auto one = instructions.rbegin(); one != instructions.rend(); ++one) {
    for (const int value : one->inputs) {
      if (is_used[value] || !program.constants[value].isNone()) continue;
      is_used[value] = true;
      one->last_uses.push_back(value);
    }
  }
}

}  // namespace

std::string Program::Signature() const {
  std::ostringstream text;
  for (const auto* value : graph->inputs()) text << value->debugName() << ';';
  for (const auto* node : graph->nodes()) {
    node->print(text, 0, nullptr, false, false, false, false);
    for (const auto* output : node->outputs()) {
      const auto constant = torch::jit::toIValue(output);
      if (constant && constant->isTensor()) text << constant->toTensor().sizes();
    }
    text << ';';
  }
  return std::move(text).str();
}

Program Compile(const torch::jit::Module& module, const std::string& method) {
  Program program;
  program.graph = FrozenGraph(module, method);
  auto& graph = *program.graph;
  if (const auto reason = WhyUnplannable(graph); !reason.empty()) throw Unplannable(reason);
  const auto fused = FuseConvolutions(graph);
  const auto wanted = WantedOf(graph, fused);

  std::unordered_map<const torch::jit::Value*, int> numbers;
  const auto number = [&](const torch::jit::Value* value) {
    const auto [found, is_new] = numbers.try_emplace(value, static_cast<int>(numbers.size()));
    if (is_new) program.constants.emplace_back();
    return found->second;
  };
  program.input = number(graph.inputs()[1]);
  for (auto* node : graph.nodes()) {
    if (!wanted.count(node)) continue;
    if (node->kind() == c10::prim::Constant) {
      const int constant = number(node->output());
      program.constants[constant] = *torch::jit::toIValue(node->output());
      continue;
    }
    Instruction instruction;
    instruction.node = node;
    if (const auto found = fused.find(node); found != fused.end()) {
      instruction.convolution = found->second.spec;
      instruction.inputs.push_back(number(found->second.input));
      if (found->second.other) instruction.inputs.push_back(number(found->second.other));
    } else {
      for (const auto* value : node->inputs()) instruction.inputs.push_back(number(value));
    }
    instruction.output = number(node->output());
    program.instructions.push_back(std::move(instruction));
  }
  program.output = number(graph.outputs()[0]);
  FindLastUses(program);
  return program;
}

}  // namespace semisup::plan
