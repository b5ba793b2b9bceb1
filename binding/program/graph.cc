#include "program/graph.h"

#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/csrc/jit/passes/remove_mutation.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "program/axes.h"
#include "program/lists.h"
#include "program/operators.h"

namespace semisup::program {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

// Whether a node constructs a list that is only concatenated.
bool IsConcatenatedList(const Node* node) {
  if (node->kind() != c10::prim::ListConstruct) return false;
  const auto& uses = node->output()->uses();
  return std::all_of(uses.begin(), uses.end(),
                     [](const auto& use) { return MatchConcatenation(use.user).has_value(); });
}

// Whether a node constructs what a graph returns.
bool IsReturnedSequence(const Node* node) {
  const bool is_sequence =
      node->kind() == c10::prim::ListConstruct || node->kind() == c10::prim::TupleConstruct;
  if (!is_sequence || node->output()->uses().size() != 1) return false;
  return node->output()->uses()[0].user->kind() == c10::prim::Return;
}

// Replaces `len(size(x))` and `dim(x)` by the rank. Functions of torch.nn.functional raise an error
// unless it is as expected; once the condition is constant, constant propagation removes the
// branch.
void FoldRankChecks(std::shared_ptr<Graph>& graph) {
  AxesOfValues axes{{graph->inputs().back(), Axes::kImages}};
  const auto replace_by_rank = [&](Node* node, int rank) {
    torch::jit::WithInsertPoint point(node);
    node->output()->replaceAllUsesWith(graph->insertConstant(rank));
  };
  for (auto* node : graph->nodes()) {
    if (const auto output = OutputAxes(node, axes)) axes[node->output()] = *output;
    if (node->inputs().size() != 1 || axes.count(node->input()) == 0) continue;
    const int rank = RankOf(axes[node->input()]);
    if (Is(node, "aten::dim")) replace_by_rank(node, rank);
    if (!Is(node, "aten::size")) continue;
    for (const auto& use : std::vector(node->output()->uses())) {
      if (Is(use.user, "aten::len")) replace_by_rank(use.user, rank);
    }
  }
  torch::jit::ConstantPropagation(graph);
  torch::jit::EliminateDeadCode(graph);
}

// Removes all nodes of a graph, which frees the constants that they hold.
void Clear(Graph& graph) {
  graph.return_node()->removeAllInputs();
  auto nodes = graph.nodes().reverse();
  for (auto node = nodes.begin(); node != nodes.end(); ++node) node.destroyCurrent();
}

}  // namespace

std::shared_ptr<Graph> FrozenGraph(const torch::jit::Module& module, const std::string& method) {
  const bool is_forward = method == "forward";
  const auto kept = is_forward ? std::nullopt : std::make_optional(std::vector{method});
  const auto frozen = torch::jit::freeze(module, kept);
  auto graph = frozen.get_method(method).graph()->copy();
  // The frozen module's methods belong to the compilation unit of the original module, which would
  // keep their constants, a copy of all weights, for as long as it exists.
  for (const auto& one : frozen.get_methods()) Clear(*one.graph());
  // freeze() optimizes the graph of forward() only.
  torch::jit::OptimizeFrozenGraph(graph);
  ReplaceAppendedLists(*graph);
  torch::jit::RemoveTensorMutation(graph);
  FoldRankChecks(graph);
  return graph;
}

std::vector<const Value*> OutputsOf(const Graph& graph) {
  if (graph.outputs().size() != 1) return {};
  const auto* output = graph.outputs()[0];
  if (IsTensor(output)) return {output};
  if (!IsReturnedSequence(output->node())) return {};
  const auto& elements = output->node()->inputs();
  std::vector<const Value*> outputs(elements.begin(), elements.end());
  const bool are_tensors = std::all_of(outputs.begin(), outputs.end(), &IsTensor);
  return are_tensors ? outputs : std::vector<const Value*>();
}

std::string UnsupportedReason(const Graph& graph) {
  if (graph.inputs().size() != 2 || !IsTensor(graph.inputs()[1])) {
    return "it takes other arguments than one tensor";
  }
  if (!graph.inputs()[0]->uses().empty()) return "it reads attributes that can change";
  const auto outputs = OutputsOf(graph);
  if (outputs.empty()) return "it returns something other than tensors";
  for (const auto* node : graph.nodes()) {
    const std::string kind = node->kind().toQualString();
    if (!node->blocks().empty()) return "it branches or loops (" + kind + ")";
    const auto* schema = node->maybeSchema();
    if (schema && schema->is_mutable()) return "it modifies a tensor in place by " + kind;
  }
  AxesOfValues axes{{graph.inputs()[1], Axes::kImages}};
  for (const auto* node : graph.nodes()) {
    if (node->kind() == c10::prim::Constant || IsConcatenatedList(node) ||
        IsReturnedSequence(node)) {
      continue;
    }
    const auto output = OutputAxes(node, axes);
    if (!output) return std::string("it uses ") + node->kind().toQualString();
    axes[node->output()] = *output;
  }
  const bool all_depend = std::all_of(outputs.begin(), outputs.end(),
                                      [&](const Value* value) { return axes.count(value) > 0; });
  return all_depend ? "" : "its output does not depend on its input";
}

}  // namespace semisup::program
