#include "graph.h"

#include <torch/csrc/jit/ir/constants.h>
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

// `for conv2d(x, [w], 1, "same")` and the like.
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
  if (weight.dim() != 4 || weight.scalar_type() != at::kFloat) return std::nullopt;
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

// The sum of two tensors of one shape, as far as a residual network goes.
bool IsSum(const Node* node) {
  if (!Is(node, "aten::add") || node->inputs().size() != 3) return false;
  const auto alpha = Constant(node, 2);
  return alpha && alpha->isScalar() && alpha->toScalar().equal(1) && !Constant(node, 0) &&
         !Constant(node, 1) && node->input(0)->type()->isSubtypeOf(*c10::TensorType::get()) &&
         node->input(1)->type()->isSubtypeOf(*c10::TensorType::get());
}

bool DimensionsSpareBatch(const c10::IValue& dimensions) {
  if (!dimensions.isIntList()) return false;
  const auto list = dimensions.toIntVector();
  return !list.empty() && std::all_of(list.begin(), list.end(), [](int64_t dimension) {
    return dimension > 0 || dimension == -1 || dimension == -2;
  });
}

bool KeepsImagesApart(const Node* node) {
  static const std::set<std::string> always = {
      "prim::Constant",     "aten::conv2d",     "aten::relu",
      "aten::max_pool2d",   "aten::avg_pool2d", "aten::adaptive_avg_pool2d",
      "aten::_convolution", "aten::batch_norm", "aten::linear",
      "aten::sigmoid",      "aten::hardtanh",   "aten::silu",
      "aten::gelu"};
  const std::string kind = node->kind().toQualString();
  if (always.count(kind)) return true;
  if (kind == "aten::add" || kind == "aten::mul") {
    return !Constant(node, 0) && (!Constant(node, 1) || !Constant(node, 1)->isTensor());
  }
  if (kind == "aten::flatten") return Constant(node, 1) == c10::IValue(1);
  if (kind == "aten::mean") {
    return node->inputs().size() > 2 && Constant(node, 1) &&
           DimensionsSpareBatch(*Constant(node, 1));
  }
  return false;
}

}  // namespace

std::shared_ptr<Graph> FrozenGraph(const torch::jit::Module& module, const std::string& method) {
  const bool is_forward = method == "forward";
  const auto kept = is_forward ? std::nullopt : std::make_optional(std::vector{method});
  const auto frozen = torch::jit::freeze(module, kept);
  auto graph = frozen.get_method(method).graph()->copy();
  torch::jit::RemoveTensorMutation(graph);
  return graph;
}

std::string WhyUnplannable(const Graph& graph) {
  if (graph.inputs().size() != 2 ||
      !graph.inputs()[1]->type()->isSubtypeOf(*c10::TensorType::get())) {
    return "it takes other arguments than one tensor";
  }
  if (!graph.inputs()[0]->uses().empty()) return "it has attributes that can change";
  if (graph.outputs().size() != 1 ||
      !graph.outputs()[0]->type()->isSubtypeOf(*c10::TensorType::get())) {
    return "it gives other results than one tensor";
  }
  for (const auto* node : graph.nodes()) {
    const std::string kind = node->kind().toQualString();
    if (!node->blocks().empty()) return "it branches or loops (" + kind + ")";
    if (node->kind() == c10::prim::Constant) continue;
    if (!node->maybeOperator()) return "it uses " + kind;
    if (node->schema().is_mutable() || node->hasSideEffects())
      return "it changes a tensor by " + kind;
    if (node->outputs().size() != 1) return "it uses " + kind;
  }
  return "";
}

bool IsPerImage(const Graph& graph) {
  const auto nodes = graph.nodes();
  return std::all_of(nodes.begin(), nodes.end(), KeepsImagesApart);
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

std::optional<Pooling> AsMaxPool(const Node* node) {
  if (!Is(node, "aten::max_pool2d")) return std::nullopt;
  for (size_t i = 1; i < 6; i++) {
    if (!Constant(node, i)) return std::nullopt;
  }
  const auto side = [&](size_t input) {
    const auto pair = Pair(*Constant(node, input));
    return pair[0] == pair[1] ? pair[0] : -1;
  };
  const Pooling pooling{side(1), side(2), side(3)};
  const bool is_plain = side(4) == 1 && !Constant(node, 5)->toBool() && pooling.kernel > 0 &&
                        pooling.stride > 0 && pooling.padding >= 0;
  return is_plain ? std::make_optional(pooling) : std::nullopt;
}

}  // namespace semisup::plan
