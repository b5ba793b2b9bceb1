#include "program/graph.h"

#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/csrc/jit/passes/remove_mutation.h>

#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "program/operators.h"

namespace semisup::program {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

// Whether a constant operand is the same for all images of a batch.
bool IsSameForAllImages(const c10::IValue& constant, int rank) {
  if (!constant.isTensor()) return constant.isScalar();
  const auto& tensor = constant.toTensor();
  return IsPlainFloat(tensor) &&
         (tensor.dim() < rank || (tensor.dim() == rank && tensor.size(0) == 1));
}

bool IsArithmetic(const Node* node) {
  return Is(node, "aten::add") || Is(node, "aten::sub") || Is(node, "aten::mul");
}

// Whether a mean is over height and width.
bool IsMeanOverPixels(const Node* node) {
  const auto dimensions = ConstantInput(node, 1);
  if (node->inputs().size() != 4 || !dimensions || !dimensions->isIntList()) return false;
  std::set<int64_t> sides;
  for (const int64_t dimension : dimensions->toIntVector()) sides.insert((dimension + 4) % 4);
  const bool has_dtype = ConstantInput(node, 3) != c10::IValue();
  return !has_dtype && sides == std::set<int64_t>{2, 3} && ConstantInput(node, 2);
}

// The rank of a supported operator's output for an input of rank `rank`: 4 for images, 2 for rows
// of features. nullopt for other operators.
std::optional<int> OutputRank(const Node* node, int rank) {
  static const std::set<std::string> elementwise = {"aten::relu", "aten::sigmoid", "aten::silu",
                                                    "aten::gelu", "aten::hardtanh"};
  static const std::set<std::string> pools = {"aten::max_pool2d", "aten::avg_pool2d",
                                              "aten::adaptive_avg_pool2d"};
  const std::string kind = node->kind().toQualString();
  const bool is_images = rank == 4;
  if (elementwise.count(kind)) return rank;
  if (pools.count(kind) || MatchConvolution(node)) {
    return is_images ? std::make_optional(4) : std::nullopt;
  }
  if (kind == "aten::dropout" && ConstantInput(node, 2) == c10::IValue(false)) return rank;
  if (kind == "aten::flatten" && is_images && ConstantInput(node, 1) == c10::IValue(1)) {
    const auto end = ConstantInput(node, 2);
    return end == c10::IValue(-1) || end == c10::IValue(3) ? std::make_optional(2) : std::nullopt;
  }
  if (kind == "aten::mean" && is_images && IsMeanOverPixels(node)) {
    const bool keeps_dimensions = ConstantInput(node, 2)->toBool();
    return keeps_dimensions ? 4 : 2;
  }
  if (rank == 2 && MatchLinear(node)) return 2;
  return std::nullopt;
}

// The rank of each value that depends on the images, by value.
using Ranks = std::unordered_map<const Value*, int>;

// The rank of the only output of a node; nullopt for operators that are not supported.
std::optional<int> OutputRank(const Node* node, const Ranks& ranks) {
  if (node->inputs().empty() || node->outputs().size() != 1) return std::nullopt;
  const auto rank_of = [&](size_t input) {
    const auto found = ranks.find(node->input(input));
    return found == ranks.end() ? 0 : found->second;
  };
  const int rank = rank_of(0);
  if (rank == 0) return std::nullopt;
  if (!IsArithmetic(node)) return OutputRank(node, rank);
  const auto constant = ConstantInput(node, 1);
  const bool is_supported = constant ? IsSameForAllImages(*constant, rank) : rank_of(1) == rank;
  return is_supported ? std::make_optional(rank) : std::nullopt;
}

// Replaces `len(size(x))` and `dim(x)` by the rank. Functions of torch.nn.functional raise an error
// unless it is as expected; once the condition is constant, constant propagation removes the
// branch.
void FoldRankChecks(std::shared_ptr<Graph>& graph) {
  Ranks ranks{{graph->inputs().back(), 4}};
  const auto replace_by_rank = [&](Node* node, int rank) {
    torch::jit::WithInsertPoint point(node);
    node->output()->replaceAllUsesWith(graph->insertConstant(rank));
  };
  for (auto* node : graph->nodes()) {
    if (const auto rank = OutputRank(node, ranks)) ranks[node->output()] = *rank;
    if (node->inputs().size() != 1 || ranks.count(node->input()) == 0) continue;
    const int rank = ranks[node->input()];
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
  torch::jit::RemoveTensorMutation(graph);
  FoldRankChecks(graph);
  return graph;
}

std::string UnsupportedReason(const Graph& graph) {
  if (graph.inputs().size() != 2 || !IsTensor(graph.inputs()[1])) {
    return "it takes other arguments than one tensor";
  }
  if (!graph.inputs()[0]->uses().empty()) return "it reads attributes that can change";
  if (graph.outputs().size() != 1 || !IsTensor(graph.outputs()[0])) {
    return "it returns something other than one tensor";
  }
  for (const auto* node : graph.nodes()) {
    const std::string kind = node->kind().toQualString();
    if (!node->blocks().empty()) return "it branches or loops (" + kind + ")";
    const auto* schema = node->maybeSchema();
    if (schema && schema->is_mutable()) return "it modifies a tensor in place by " + kind;
  }
  Ranks ranks{{graph.inputs()[1], 4}};
  for (const auto* node : graph.nodes()) {
    if (node->kind() == c10::prim::Constant) continue;
    const auto rank = OutputRank(node, ranks);
    if (!rank) return std::string("it uses ") + node->kind().toQualString();
    ranks[node->output()] = *rank;
  }
  return ranks.count(graph.outputs()[0]) ? "" : "its output does not depend on its input";
}

}  // namespace semisup::program
