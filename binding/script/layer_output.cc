#include "script/layer_output.h"

#include <ATen/core/jit_type.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <optional>
#include <set>

#include "runtime/error.h"

namespace semisup {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

// The dotted name of a submodule, empty for the module itself; nullopt for any other value.
std::optional<std::string> PathOf(const Value* value, const Value* self) {
  if (value == self) return "";
  const auto* node = value->node();
  if (node->kind() != c10::prim::GetAttr) return std::nullopt;
  const auto parent = PathOf(node->input(), self);
  if (!parent) return std::nullopt;
  const auto& name = node->s(c10::attr::name);
  return parent->empty() ? name : *parent + '.' + name;
}

bool Contains(const std::string& path, const std::string& layer) {
  return path.empty() || layer.rfind(path + '.', 0) == 0;
}

// Finds the last call of a layer. Of the other calls only those that contain it are inlined,
// because an inlined call no longer shows of which layer it is.
class LayerFinder {
 public:
  LayerFinder(Graph& graph, const std::string& layer) : graph_(graph), layer_(layer) {}

  Value* Find() {
    while (InlineOne()) {
    }
    Value* output = nullptr;
    for (auto* node : graph_.nodes()) {
      if (PathOfCall(node) == layer_) output = node->output();
    }
    if (!output) throw Error("ERR_SEMISUP_OPTION_VALUE", Problem());
    return output;
  }

 private:
  std::optional<std::string> PathOfCall(const Node* node) const {
    if (node->kind() != c10::prim::CallMethod) return std::nullopt;
    return PathOf(node->input(0), graph_.inputs()[0]);
  }

  bool InlineOne() {
    for (auto* node : graph_.nodes()) {
      const auto path = PathOfCall(node);
      if (!path || !Contains(*path, layer_)) continue;
      const auto type = node->input(0)->type()->cast<c10::ClassType>();
      auto* method = type ? type->findMethod(node->s(c10::attr::name)) : nullptr;
      auto* function = method ? torch::jit::tryToGraphFunction(*method) : nullptr;
      if (!function) continue;
      // Not its optimized graph, where the calls within it are inlined, too.
      torch::jit::inlineCallTo(node, function, /*use_graph=*/false);
      return true;
    }
    return false;
  }

  std::string Problem() const {
    std::string names;
    std::set<std::string> known;
    for (const auto* node : graph_.nodes()) {
      const auto path = PathOfCall(node);
      if (path && known.insert(*path).second) names += (names.empty() ? "" : ", ") + *path;
    }
    return "forward() has no layer '" + layer_ + "'. It calls " +
           (names.empty() ? "none by its name" : names) + ".";
  }

  Graph& graph_;
  const std::string& layer_;
};

// Cuts the graph of gradients at a value, so that those of earlier layers are not recorded. Later
// layers read a copy, because a leaf of that graph must not be modified in place.
Value* InsertLeaf(Graph& graph, Value* value) {
  const auto uses = value->uses();
  const torch::jit::WithInsertPoint point(value->node()->next());
  auto* detached = graph.insert(c10::Symbol::fromQualString("aten::detach"), {value});
  auto* leaf = graph.insert(c10::Symbol::fromQualString("aten::requires_grad_"), {detached});
  auto* copy = graph.insert(c10::aten::clone, {leaf});
  for (const auto& use : uses) use.user->replaceInput(use.offset, copy);
  return leaf;
}

}  // namespace

std::shared_ptr<Graph> GraphWithLayerOutput(const torch::jit::Method& method,
                                            const std::string& layer) {
  auto graph = method.graph()->copy();
  auto* output = LayerFinder(*graph, layer).Find();
  if (!output->type()->isSubtypeOf(*c10::TensorType::get())) {
    throw Error("ERR_SEMISUP_OPTION_VALUE", "The layer '" + layer + "' does not return a tensor.");
  }
  graph->registerOutput(InsertLeaf(*graph, output));
  torch::jit::Inline(*graph);
  return graph;
}

}  // namespace semisup
