#include "graph.h"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/csrc/jit/passes/remove_mutation.h>

#include <algorithm>
#include <optional>
#include <set>

namespace semisup::plan {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::toIValue;
using torch::jit::Value;

bool Is(const Node* node, const char* kind) {
  return node->kind().toQualString() == std::string(kind);
}

std::optional<c10::IValue> Constant(const Node* node, size_t input) {
  return input < node->inputs().size() ? toIValue(node->input(input)) : std::nullopt;
}

bool IsPlain(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat && tensor.is_cpu() && !tensor.is_quantized();
}

// A number may stand for two.
std::vector<int64_t> Pair(const c10::IValue& value) {
  auto numbers = value.toIntVector();
  if (numbers.size() == 1) numbers.push_back(numbers[0]);
  return numbers;
}

std::optional<ConvolutionSpec> AsConvolution(const Node* node) {
  const bool long_form = Is(node, "aten::_convolution");
  if (!long_form && !Is(node, "aten::conv2d")) return std::nullopt;
  const size_t count = long_form ? 9 : 7;
  for (size_t i = 1; i < count; i++) {
    if (!Constant(node, i)) return std::nullopt;
  }
  const auto weight = Constant(node, 1)->toTensor();
  const auto bias = *Constant(node, 2);
  const bool transposed = long_form && Constant(node, 6)->toBool();
  // A padding may be a word.
  if (!Constant(node, 4)->isIntList() || transposed) return std::nullopt;
  if (weight.dim() != 4 || !IsPlain(weight)) return std::nullopt;
  if (!bias.isNone() && !IsPlain(bias.toTensor())) return std::nullopt;
  return ConvolutionSpec{.weight = weight,
                         .bias = bias.isNone() ? at::Tensor() : bias.toTensor(),
                         .stride = Pair(*Constant(node, 3)),
                         .padding = Pair(*Constant(node, 4)),
                         .dilation = Pair(*Constant(node, 5)),
                         .groups = Constant(node, long_form ? 8 : 6)->toInt()};
}

bool IsUsedOnce(const Value* value) {
  return value->uses().size() == 1 && value->uses()[0].user->kind() != c10::prim::Return;
}

// The sum of two tensors.
bool IsSum(const Node* node) {
  if (!Is(node, "aten::add") || node->inputs().size() != 3) return false;
  const auto alpha = Constant(node, 2);
  return alpha && alpha->isScalar() && alpha->toScalar().equal(1) && !Constant(node, 0) &&
         !Constant(node, 1) && node->input(0)->type()->isSubtypeOf(*c10::TensorType::get()) &&
         node->input(1)->type()->isSubtypeOf(*c10::TensorType::get());
}

// Whether a constant meets each image of a batch in the same way.
bool IsSameForAll(const c10::IValue& constant, int rank) {
  if (!constant.isTensor()) return constant.isScalar();
  const auto& tensor = constant.toTensor();
  return IsPlain(tensor) && (tensor.dim() < rank || (tensor.dim() == rank && tensor.size(0) == 1));
}

bool IsBinary(const Node* node) {
  return Is(node, "aten::add") || Is(node, "aten::sub") || Is(node, "aten::mul");
}

// The rank of what a node gives, for those that a plan may hold, of an input of `rank`: 4 for
// images, 2 for rows. Nothing for all other nodes.
std::optional<int> RankAfter(const Node* node, int rank) {
  static const std::set<std::string> elementwise = {"aten::relu", "aten::sigmoid", "aten::silu",
                                                    "aten::gelu", "aten::hardtanh"};
  static const std::set<std::string> pools = {"aten::max_pool2d", "aten::avg_pool2d",
                                              "aten::adaptive_avg_pool2d"};
  const std::string kind = node->kind().toQualString();
  const bool is_images = rank == 4;
  if (elementwise.count(kind)) return rank;
  if (pools.count(kind) || AsConvolution(node))
    return is_images ? std::make_optional(4) : std::nullopt;
  if (kind == "aten::dropout" && Constant(node, 2) == c10::IValue(false)) return rank;
  if (kind == "aten::flatten" && is_images && Constant(node, 1) == c10::IValue(1)) {
    const auto end = Constant(node, 2);
    return end == c10::IValue(-1) || end == c10::IValue(3) ? std::make_optional(2) : std::nullopt;
  }
  if (kind == "aten::mean" && is_images && node->inputs().size() == 4) {
    const auto dimensions = Constant(node, 1);
    if (!dimensions || !dimensions->isIntList() || Constant(node, 3) != c10::IValue()) {
      return std::nullopt;
    }
    std::set<int64_t> sides;
    for (const int64_t dimension : dimensions->toIntVector()) sides.insert((dimension + 4) % 4);
    if (sides != std::set<int64_t>{2, 3} || !Constant(node, 2)) return std::nullopt;
    return Constant(node, 2)->toBool() ? 4 : 2;
  }
  if (rank == 2 && AsLinear(node)) return 2;
  return std::nullopt;
}

// Leaves nothing of a graph, and of the constants that it holds.
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
  // The frozen module's methods are kept, with all weights, for as long as the module lives that it
  // was made of: both belong to one compilation unit.
  for (const auto& one : frozen.get_methods()) Clear(*one.graph());
  // freeze() does this for forward() alone.
  torch::jit::OptimizeFrozenGraph(graph);
  torch::jit::RemoveTensorMutation(graph);
  return graph;
}

std::string WhyUnplannable(const Graph& graph) {
  const auto is_tensor = [](const Value* value) {
    return value->type()->isSubtypeOf(*c10::TensorType::get());
  };
  if (graph.inputs().size() != 2 || !is_tensor(graph.inputs()[1])) {
    return "it takes other arguments than one tensor";
  }
  if (!graph.inputs()[0]->uses().empty()) return "it has attributes that can change";
  if (graph.outputs().size() != 1 || !is_tensor(graph.outputs()[0])) {
    return "it gives other results than one tensor";
  }
  for (const auto* node : graph.nodes()) {
    const std::string kind = node->kind().toQualString();
    if (!node->blocks().empty()) return "it branches or loops (" + kind + ")";
    const auto* schema = node->maybeSchema();
    if (schema && schema->is_mutable()) return "it changes a tensor by " + kind;
  }
  std::unordered_map<const Value*, int> ranks{{graph.inputs()[1], 4}};
  for (const auto* node : graph.nodes()) {
    if (node->kind() == c10::prim::Constant) continue;
    const auto rank_of = [&](size_t input) {
      const auto found = ranks.find(node->input(input));
      return found == ranks.end() ? 0 : found->second;
    };
    const bool has_input = !node->inputs().empty() && node->outputs().size() == 1;
    std::optional<int> rank;
    if (has_input && IsBinary(node)) {
      const auto constant = Constant(node, 1);
      const bool is_apart =
          constant ? IsSameForAll(*constant, rank_of(0)) : rank_of(1) == rank_of(0);
      if (is_apart && rank_of(0) > 0) rank = rank_of(0);
    } else if (has_input && rank_of(0) > 0) {
      rank = RankAfter(node, rank_of(0));
    }
    if (!rank) return std::string("of its ") + node->kind().toQualString();
    ranks[node->output()] = *rank;
  }
  return ranks.count(graph.outputs()[0]) ? "" : "it does not depend on its images";
}

std::unordered_map<const Node*, FusedConvolution> FuseConvolutions(const Graph& graph) {
  std::unordered_map<const Node*, FusedConvolution> fused;
  // The last convolution of a sum takes it over: the other term is there by then.
  const auto take = [&](const Node* last, const Value* value) {
    const auto found = fused.find(value->node());
    if (found == fused.end() || !IsUsedOnce(value)) return false;
    auto convolution = std::move(found->second);
    fused.erase(found);
    fused.emplace(last, std::move(convolution));
    return true;
  };
  for (const auto* node : graph.nodes()) {
    if (auto spec = AsConvolution(node)) {
      fused.emplace(node, FusedConvolution{std::move(*spec), node->input(0), nullptr});
    } else if (IsSum(node) && node->input(0) != node->input(1)) {
      const bool first_is_later = node->input(1)->node()->isBefore(node->input(0)->node());
      for (const int term : first_is_later ? std::array{0, 1} : std::array{1, 0}) {
        const auto found = fused.find(node->input(term)->node());
        if (found == fused.end() || found->second.spec.rectifies || found->second.other) continue;
        if (!take(node, node->input(term))) continue;
        fused.at(node).other = node->input(1 - term);
        fused.at(node).spec.adds = true;
        break;
      }
    } else if (Is(node, "aten::relu") && take(node, node->input(0))) {
      fused.at(node).spec.rectifies = true;
    }
  }
  return fused;
}

std::optional<LinearSpec> AsLinear(const Node* node) {
  if (!Is(node, "aten::linear")) return std::nullopt;
  const auto weight = Constant(node, 1);
  const auto bias = Constant(node, 2);
  if (!weight || !weight->isTensor() || !bias) return std::nullopt;
  if (weight->toTensor().dim() != 2 || !IsPlain(weight->toTensor())) return std::nullopt;
  if (bias->isNone()) return LinearSpec{weight->toTensor(), at::Tensor()};
  if (!IsPlain(bias->toTensor())) return std::nullopt;
  return LinearSpec{weight->toTensor(), bias->toTensor()};
}

std::optional<Pooling> AsMaxPool(const Node* node) {
  if (!Is(node, "aten::max_pool2d")) return std::nullopt;
  for (size_t i = 1; i < 6; i++) {
    if (!Constant(node, i)) return std::nullopt;
  }
  const auto side = [&](size_t input) {
    const auto pair = Pair(*Constant(node, input));
    return pair.size() == 2 && pair[0] == pair[1] ? pair[0] : -1;
  };
  // No stride stands for one of the window's size.
  const bool has_stride = !Constant(node, 2)->toIntVector().empty();
  const Pooling pooling{side(1), side(has_stride ? 2 : 1), side(3)};
  const bool is_plain = side(4) == 1 && !Constant(node, 5)->toBool() && pooling.kernel > 0 &&
                        pooling.stride > 0 && pooling.padding >= 0 &&
                        2 * pooling.padding <= pooling.kernel;
  return is_plain ? std::make_optional(pooling) : std::nullopt;
}

bool IsMeanOfPixels(const Node* node) {
  if (!Is(node, "aten::adaptive_avg_pool2d")) return false;
  const auto size = Constant(node, 1);
  return size && Pair(*size) == std::vector<int64_t>{1, 1};
}

}  // namespace semisup::plan
