#include "compiled/compiled_model.h"

#include <set>
#include <stdexcept>
#include <utility>

#include "engine/compiled_file.h"
#include "engine/make_network.h"
#include "kernels/instruction_set.h"
#include "runtime/error.h"

namespace semisup::compiled {
namespace {

std::string Join(const std::set<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

[[noreturn]] void ThrowUnfit(const engine::CompiledFile& file) {
  std::set<std::string> sets;
  for (const auto& network : file.networks) sets.insert(network.instruction_set);
  const std::string active(kernels::NameOf(kernels::ActiveInstructionSet()));
  throw Error("ERR_SEMISUP_MODEL_PROCESSOR", "it was compiled for " + Join(sets) +
                                                 ", and the kernels in use are those of " + active);
}

}  // namespace

CompiledModel::CompiledModel(const engine::MappedFile& file,
                             const std::shared_ptr<engine::Arena>& arena) {
  try {
    auto contents = engine::ReadCompiled(file);
    for (const auto& description : contents.networks) {
      // Of several that fit, the first: those of its metadata are in the same order.
      if (!engine::FitsProcessor(description) || methods_.count(description.method) > 0) continue;
      auto& method = methods_.try_emplace(description.method, arena).first->second;
      method.precision = description.precision;
      method.instruction_set = description.instruction_set;
      method.returns_sequence = description.returns_sequence;
      method.network.steps() = engine::MakeSteps(description);
      method.network.set_sub_batch(description.sub_batch);
    }
    if (methods_.empty()) ThrowUnfit(contents);
    metadata_ = std::move(contents.metadata);
  } catch (const engine::InvalidFile& problem) {
    throw Error("ERR_SEMISUP_MODEL_FORMAT", problem.what());
  } catch (const std::invalid_argument& problem) {
    throw Error("ERR_SEMISUP_MODEL_FORMAT",
                std::string("one of its networks is invalid: ") + problem.what());
  }
}

engine::Tensors CompiledModel::Run(const std::string& method, const engine::Tensor& images,
                                   const engine::OutputSelection& selected) {
  const auto found = methods_.find(method);
  if (found == methods_.end()) {
    throw Error("ERR_SEMISUP_SCRIPT", "The compiled model has no method " + method + "().");
  }
  if (images.dim() != 4 || images.numel() == 0 || images.dtype() != engine::DType::kFloat32) {
    throw Error("ERR_SEMISUP_SCRIPT", "Expected images, float32 [n, c, h, w], for " + method +
                                          "(), but received a tensor of shape " +
                                          engine::ToString(images.sizes()) + ".");
  }
  return WithCode("ERR_SEMISUP_SCRIPT",
                  [&] { return found->second.network.Run(images, selected); });
}

}  // namespace semisup::compiled
