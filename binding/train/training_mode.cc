#include "train/training_mode.h"

#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "runtime/error.h"

namespace semisup::train {
namespace {

namespace jit = torch::jit;

constexpr std::array<std::string_view, 8> kDropouts{"aten::dropout",
                                                    "aten::dropout_",
                                                    "aten::feature_dropout",
                                                    "aten::feature_dropout_",
                                                    "aten::alpha_dropout",
                                                    "aten::alpha_dropout_",
                                                    "aten::feature_alpha_dropout",
                                                    "aten::feature_alpha_dropout_"};

// The dotted name of the module that has an attribute; empty if it is not a submodule.
std::string OwnerOf(const jit::Value* attribute) {
  std::string path;
  if (attribute->node()->kind() != jit::prim::GetAttr) return path;
  const auto* owner = attribute->node()->input();
  while (owner->node()->kind() == jit::prim::GetAttr) {
    const auto& name = owner->node()->s(jit::attr::name);
    path = path.empty() ? name : name + '.' + path;
    owner = owner->node()->input();
  }
  return path;
}

[[noreturn]] void Fail(const std::string& what, bool mode) {
  throw Error("ERR_SEMISUP_TRAINING_MODULE", "train() and eval() do not change the " + what +
                                                 ", which was traced in " +
                                                 (mode ? "training" : "eval") + " mode.");
}

// batch_norm(input, weight, bias, running_mean, running_var, training, …).
void CheckNormalization(const jit::Node& node, const std::vector<std::string>& eval_modules) {
  const auto* mean = node.input(3);
  // Without running statistics both modes use those of the batch.
  if (mean->type()->kind() == c10::TypeKind::NoneType) return;
  const auto mode = jit::constant_as<bool>(node.input(5));
  if (!mode) return;
  const auto path = OwnerOf(mean);
  const bool remains =
      std::find(eval_modules.begin(), eval_modules.end(), path) != eval_modules.end();
  if (*mode || !remains) Fail("batch_norm of '" + path + "'", *mode);
}

// dropout(input, p, train).
void CheckDropout(const jit::Node& node) {
  const auto mode = jit::constant_as<bool>(node.input(2));
  if (!mode || jit::constant_as<double>(node.input(1)) == 0.0) return;
  Fail("dropout", *mode);
}

void CheckBlock(const jit::Block& block, const std::vector<std::string>& eval_modules) {
  for (const auto* node : block.nodes()) {
    const std::string_view kind = node->kind().toQualString();
    if (kind == "aten::batch_norm") CheckNormalization(*node, eval_modules);
    if (std::find(kDropouts.begin(), kDropouts.end(), kind) != kDropouts.end()) CheckDropout(*node);
    for (const auto* inner : node->blocks()) CheckBlock(*inner, eval_modules);
  }
}

}  // namespace

void CheckTrainingMode(const jit::Graph& graph, const std::vector<std::string>& eval_modules) {
  CheckBlock(*graph.block(), eval_modules);
}

}  // namespace semisup::train
