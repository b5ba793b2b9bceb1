#include "train/trainer.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>
#include <c10/core/MemoryFormat.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "runtime/error.h"
#include "train/random_seed.h"
#include "train/training_mode.h"

namespace semisup::train {
namespace {

namespace jit = torch::jit;

// Without the passes of the profiling executor, which replace the operators of the first batches by
// others with different rounding.
jit::Code CodeOf(const jit::Module& module, const std::vector<std::string>& eval_modules) {
  const auto method = module.find_method("forward");
  if (!method) throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT", "The module has no method 'forward'.");
  auto graph = method->graph()->copy();
  jit::Inline(*graph);
  CheckTrainingMode(*graph, eval_modules);
  return jit::Code(graph, "train");
}

jit::Module Submodule(const jit::Module& module, const std::string& path) {
  for (const auto& entry : module.named_modules()) {
    if (entry.name == path) return entry.value;
  }
  throw Error("ERR_SEMISUP_OPTION_VALUE", "The module has no submodule '" + path + "'.");
}

// oneDNN's convolutions are fastest in channels-last, and convert a weight in another layout on
// each call.
void ToChannelsLast(const at::Tensor& tensor) {
  if (tensor.dim() != 4) return;
  tensor.set_data(tensor.detach().contiguous(c10::MemoryFormat::ChannelsLast));
}

class Autocast {
 public:
  Autocast(bool enabled, c10::DeviceType device) : device_(device) {
    if (!enabled) return;
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    at::autocast::increment_nesting();
    is_active_ = true;
  }
  ~Autocast() {
    if (!is_active_) return;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, false);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  const c10::DeviceType device_;
  bool is_active_ = false;
};

int64_t CountCorrect(const at::Tensor& logits, const at::Tensor& targets) {
  const auto expected = targets.dim() == 1 ? targets : targets.argmax(1);
  return logits.detach().argmax(1).eq(expected).sum().item<int64_t>();
}

}  // namespace

Trainer::Trainer(std::shared_ptr<ScriptModule> script, const TrainerOptions& options,
                 std::shared_ptr<engine::Arena> arena)
    : script_(std::move(script)),
      options_(options),
      arena_(std::move(arena)),
      code_(CodeOf(script_->module, options.eval_modules)) {
  const at::NoGradGuard no_grad;
  script_->plans.Clear();
  std::map<std::string, at::Tensor> parameters;
  for (const auto& entry : script_->module.named_parameters()) {
    ToChannelsLast(entry.value);
    entry.value.set_requires_grad(false);
    parameters.emplace(entry.name, entry.value);
    weights_.emplace_back(entry.name, entry.value.detach());
  }
  for (const auto& entry : script_->module.named_buffers()) {
    weights_.emplace_back(entry.name, entry.value.detach());
  }
  std::vector<ParameterGroup> groups;
  // A parameter that two modules share has two names; the optimizer must not update it twice.
  std::set<const at::TensorImpl*> grouped;
  for (const auto& [names, lr_scale, weight_decay] : options.groups) {
    auto& group = groups.emplace_back(ParameterGroup{{}, {}, lr_scale, weight_decay});
    for (const auto& name : names) {
      const auto found = parameters.find(name);
      if (found == parameters.end()) {
        throw Error("ERR_SEMISUP_OPTION_VALUE", "The module has no parameter '" + name + "'.");
      }
      if (!grouped.insert(found->second.unsafeGetTensorImpl()).second) continue;
      found->second.set_requires_grad(true);
      group.names.push_back(name);
      group.parameters.push_back(found->second);
    }
    if (group.parameters.empty()) groups.pop_back();
  }
  optimizer_.emplace(options.algorithm, std::move(groups));
  if (options.ema_decay > 0) {
    for (const auto& entry : weights_) ema_.push_back(entry.second.clone());
  }
  SetTraining();
}

void Trainer::SetTraining() {
  script_->module.train();
  for (const auto& path : options_.eval_modules) Submodule(script_->module, path).eval();
}

at::Tensor Trainer::Forward(const at::Tensor& images) const {
  const Autocast autocast(options_.autocast, device().type());
  std::vector<c10::IValue> stack{script_->module._ivalue(), images};
  // Appends the defaults of further arguments.
  script_->module.get_method("forward").function().getSchema().checkAndNormalizeInputs(stack, {});
  jit::InterpreterState(code_).run(stack);
  if (!stack.at(0).isTensor() || stack[0].toTensor().dim() != 2) {
    throw Error("ERR_SEMISUP_SCRIPT", "forward() returned no logits [n, classes].");
  }
  return stack[0].toTensor().to(at::kFloat);
}

StepResult Trainer::Step(const at::Tensor& images, const at::Tensor& targets,
                         const StepOptions& options) {
  const engine::ArenaScope scope(device().is_cpu() ? arena_.get() : nullptr);
  const RandomSeed seed(options.seed, device());
  const auto targets_on_device = targets.to(device());
  auto inputs = images.to(device()).contiguous(c10::MemoryFormat::ChannelsLast);
  if (options.mix) inputs = MixImages(inputs, *options.mix);

  StepResult result;
  {
    const c10::AutoGradMode grad_mode(true);
    const auto logits = Forward(inputs);
    const auto loss =
        CrossEntropy(logits, targets_on_device, options_.label_smoothing, options.mix);
    if (!loss.requires_grad()) {
      throw Error("ERR_SEMISUP_TRAINING_MODULE",
                  "The logits do not depend on the parameters to train.");
    }
    result.loss = loss.item<double>();
    result.correct = CountCorrect(logits, targets_on_device);
    if (std::isfinite(result.loss)) torch::autograd::backward({loss * options.loss_scale}, {});
  }
  if (!std::isfinite(result.loss)) {
    optimizer_->ClearGradients();
    return result;
  }
  if (!options.updates) return result;
  if (!has_gradients_) CheckGradients();
  optimizer_->CompleteGradients();
  result.gradient_norm = optimizer_->ClipGradients(options_.clip_norm);
  if (std::isfinite(*result.gradient_norm)) {
    optimizer_->Step(options.lr);
    UpdateEma();
  }
  optimizer_->ClearGradients();
  return result;
}

void Trainer::CheckGradients() {
  const auto missing = optimizer_->NamesWithoutGradient();
  has_gradients_ = missing.empty();
  if (has_gradients_) return;
  optimizer_->ClearGradients();
  constexpr size_t kMaxNames = 5;
  std::string names;
  for (size_t i = 0; i < std::min(missing.size(), kMaxNames); i++) {
    names += (i > 0 ? ", " : "") + missing[i];
  }
  if (missing.size() > kMaxNames) {
    names += " and " + std::to_string(missing.size() - kMaxNames) + " others";
  }
  throw Error("ERR_SEMISUP_TRAINING_MODULE",
              "The logits do not depend on the parameters " + names +
                  ": forward() does not use them, or detaches them.");
}

void Trainer::UpdateEma() {
  if (ema_.empty()) return;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> averages, weights;
  for (size_t i = 0; i < ema_.size(); i++) {
    const auto& weight = weights_[i].second;
    if (weight.is_floating_point()) {
      averages.push_back(ema_[i]);
      weights.push_back(weight);
    } else {
      ema_[i].copy_(weight);
    }
  }
  at::_foreach_lerp_(averages, weights, 1 - options_.ema_decay);
}

jit::Module Trainer::Copy(bool use_ema) const {
  const at::NoGradGuard no_grad;
  auto copy = script_->module.deepcopy();
  copy.eval();
  size_t index = 0;
  const auto finish = [&](const at::Tensor& tensor, bool is_parameter) {
    const auto& source = use_ema && !ema_.empty() ? ema_[index] : weights_[index].second;
    index++;
    tensor.set_data(
        source.to(at::kCPU, /*non_blocking=*/false, /*copy=*/true, at::MemoryFormat::Contiguous));
    if (is_parameter) tensor.set_requires_grad(true);
  };
  for (const auto& parameter : copy.parameters()) finish(parameter, true);
  for (const auto& buffer : copy.buffers()) finish(buffer, false);
  return copy;
}

NamedTensors Trainer::State() const {
  NamedTensors state;
  for (const auto& [name, tensor] : weights_) state.emplace_back("model." + name, tensor);
  for (const auto& [name, tensor] : optimizer_->State()) {
    state.emplace_back("optimizer." + name, tensor);
  }
  for (size_t i = 0; i < ema_.size(); i++) {
    state.emplace_back("ema." + weights_[i].first, ema_[i]);
  }
  return state;
}

}  // namespace semisup::train
