#include "program/fusion.h"

#include <array>
#include <utility>

#include "program/operators.h"

namespace semisup::program {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

bool IsUsedOnce(const Value* value) {
  return value->uses().size() == 1 && value->uses()[0].user->kind() != c10::prim::Return;
}

// Whether a node adds two computed tensors.
bool IsTensorAddition(const Node* node) {
  if (!Is(node, "aten::add") || node->inputs().size() != 3) return false;
  const auto alpha = ConstantInput(node, 2);
  return alpha && alpha->isScalar() && alpha->toScalar().equal(1) && !ConstantInput(node, 0) &&
         !ConstantInput(node, 1) && IsTensor(node->input(0)) && IsTensor(node->input(1));
}

}  // namespace

FusedConvolutions FuseConvolutions(const Graph& graph) {
  FusedConvolutions fused;
  const auto extend_to = [&](const Node* last, const Value* value) {
    const auto found = fused.find(value->node());
    if (found == fused.end() || !IsUsedOnce(value)) return false;
    auto convolution = std::move(found->second);
    fused.erase(found);
    fused.emplace(last, std::move(convolution));
    return true;
  };
  const auto fuse_addition = [&](const Node* node) {
    // Of two convolutions, the later is fused with the addition: its residual is computed by then.
    const bool first_is_later = node->input(1)->node()->isBefore(node->input(0)->node());
    for (const int term : first_is_later ? std::array{0, 1} : std::array{1, 0}) {
      const auto found = fused.find(node->input(term)->node());
      if (found == fused.end() || found->second.spec.relu || found->second.residual) continue;
      if (!extend_to(node, node->input(term))) continue;
      fused.at(node).residual = node->input(1 - term);
      fused.at(node).spec.has_residual = true;
      return;
    }
  };
  for (const auto* node : graph.nodes()) {
    if (auto spec = MatchConvolution(node)) {
      fused.emplace(node, FusedConvolution{std::move(*spec), node->input(0), nullptr});
    } else if (IsTensorAddition(node) && node->input(0) != node->input(1)) {
      fuse_addition(node);
    } else if (Is(node, "aten::relu") && extend_to(node, node->input(0))) {
      fused.at(node).spec.relu = true;
    }
  }
  return fused;
}

}  // namespace semisup::program
