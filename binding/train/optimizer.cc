#include "train/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace semisup::train {
namespace {

void Append(NamedTensors& state, const char* kind, const std::vector<std::string>& names,
            const std::vector<at::Tensor>& tensors) {
  for (size_t i = 0; i < tensors.size(); i++) {
    state.emplace_back(kind + ('.' + names[i]), tensors[i]);
  }
}

}  // namespace

Optimizer::Optimizer(std::variant<Sgd, AdamW> algorithm, std::vector<ParameterGroup> groups)
    : algorithm_(algorithm), groups_(std::move(groups)) {
  const bool is_adamw = std::holds_alternative<AdamW>(algorithm_);
  for (const auto& group : groups_) {
    auto& state = states_.emplace_back();
    // The fused kernel refuses buffers that it does not need.
    if (!is_adamw && std::get<Sgd>(algorithm_).momentum == 0) continue;
    for (const auto& parameter : group.parameters) {
      const auto detached = parameter.detach();
      state.first.push_back(at::zeros_like(detached));
      if (!is_adamw) continue;
      state.second.push_back(at::zeros_like(detached));
      state.steps.push_back(at::zeros({}, detached.options().dtype(at::kFloat)));
    }
  }
}

void Optimizer::Step(double lr) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < groups_.size(); i++) {
    const auto& group = groups_[i];
    auto& state = states_[i];
    const auto gradients = Gradients(group);
    if (const auto* sgd = std::get_if<Sgd>(&algorithm_)) {
      // A first step with buffers of zeros equals one that initializes them with the gradients.
      at::_fused_sgd_(group.parameters, gradients, state.first, group.weight_decay, sgd->momentum,
                      lr * group.lr_scale, /*dampening=*/0, sgd->nesterov, /*maximize=*/false,
                      /*is_first_step=*/false);
    } else {
      const auto& adamw = std::get<AdamW>(algorithm_);
      // As in PyTorch, the caller counts the steps.
      for (auto& step : state.steps) step.add_(1);
      at::_fused_adamw_(group.parameters, gradients, state.first, state.second, {}, state.steps,
                        lr * group.lr_scale, adamw.beta1, adamw.beta2, group.weight_decay,
                        adamw.eps, /*amsgrad=*/false, /*maximize=*/false);
    }
  }
}

double Optimizer::ClipGradients(double max_norm) const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const auto& group : groups_) {
    for (const auto& parameter : group.parameters) gradients.push_back(parameter.grad());
  }
  const auto norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients))).item<double>();
  if (max_norm > 0 && norm > max_norm) at::_foreach_mul_(gradients, max_norm / (norm + 1e-6));
  return norm;
}

void Optimizer::ClearGradients() const {
  for (const auto& group : groups_) {
    for (const auto& parameter : group.parameters) parameter.mutable_grad().reset();
  }
}

std::vector<std::string> Optimizer::NamesWithoutGradient() const {
  std::vector<std::string> names;
  for (const auto& group : groups_) {
    for (size_t i = 0; i < group.parameters.size(); i++) {
      if (!group.parameters[i].grad().defined()) names.push_back(group.names[i]);
    }
  }
  return names;
}

void Optimizer::CompleteGradients() const {
  for (const auto& group : groups_) {
    for (const auto& parameter : group.parameters) {
      auto& gradient = parameter.mutable_grad();
      if (!gradient.defined()) gradient = at::zeros_like(parameter.detach());
    }
  }
}

NamedTensors Optimizer::State() const {
  const bool is_adamw = std::holds_alternative<AdamW>(algorithm_);
  NamedTensors state;
  for (size_t i = 0; i < groups_.size(); i++) {
    const auto& names = groups_[i].names;
    Append(state, is_adamw ? "exp_avg" : "momentum_buffer", names, states_[i].first);
    Append(state, "exp_avg_sq", names, states_[i].second);
    Append(state, "step", names, states_[i].steps);
  }
  return state;
}

std::vector<at::Tensor> Optimizer::Gradients(const ParameterGroup& group) {
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : group.parameters) {
    const auto& gradient = parameter.grad();
    if (gradient.strides() == parameter.strides()) {
      gradients.push_back(gradient);
    } else {
      gradients.push_back(at::zeros_like(parameter.detach()).copy_(gradient));
    }
  }
  return gradients;
}

}  // namespace semisup::train
