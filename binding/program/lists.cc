#include "program/lists.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "program/operators.h"

namespace semisup::program {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

// Whether a node appends to a list, and nothing uses the list that it returns.
bool Appends(const Node* node) {
  return Is(node, "aten::append") && node->outputs().size() == 1 && node->output()->uses().empty();
}

// Whether all uses of a list are at the graph's top level, and append to it, concatenate it or
// return it.
bool IsReplaceable(const Node* node, const Graph& graph) {
  if (node->kind() != c10::prim::ListConstruct) return false;
  const auto& uses = node->output()->uses();
  return std::all_of(uses.begin(), uses.end(), [&](const auto& use) {
    const bool is_known =
        Appends(use.user) || Is(use.user, "aten::cat") || use.user->kind() == c10::prim::Return;
    return is_known && use.offset == 0 && use.user->owningBlock() == graph.block();
  });
}

// Makes a list of the tensors the first input of a node.
void UseCopy(const std::vector<Value*>& tensors, Node* node) {
  auto* list = node->owningGraph()->createList(c10::TensorType::get(), tensors);
  list->insertBefore(node);
  node->replaceInput(0, list->output());
}

}  // namespace

void ReplaceAppendedLists(Graph& graph) {
  // By list: its tensors so far.
  std::unordered_map<Value*, std::vector<Value*>> lists;
  auto nodes = graph.nodes();
  for (auto at = nodes.begin(); at != nodes.end();) {
    auto* node = *at;
    ++at;
    if (IsReplaceable(node, graph)) {
      lists.emplace(node->output(), node->inputs().vec());
      continue;
    }
    if (node->inputs().empty()) continue;
    const auto list = lists.find(node->input(0));
    if (list == lists.end()) continue;
    if (Appends(node)) {
      list->second.push_back(node->input(1));
      node->destroy();
    } else {
      UseCopy(list->second, node);
    }
  }
  auto* result = graph.return_node();
  if (result->inputs().empty()) return;
  const auto list = lists.find(result->input(0));
  if (list != lists.end()) UseCopy(list->second, result);
}

}  // namespace semisup::program
