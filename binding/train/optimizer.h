#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace semisup::train {

// torch.optim.SGD without dampening.
struct Sgd {
  double momentum;
  bool nesterov;
};

// torch.optim.AdamW without amsgrad.
struct AdamW {
  double beta1, beta2, eps;
};

// Parameters with the same settings.
struct ParameterGroup {
  std::vector<std::string> names;
  std::vector<at::Tensor> parameters;
  // The group's learning rate divided by that of the step.
  double lr_scale;
  double weight_decay;
};

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Updates parameters by their gradients, with PyTorch's fused kernels: one pass over the memory.
class Optimizer {
 public:
  Optimizer(std::variant<Sgd, AdamW> algorithm, std::vector<ParameterGroup> groups);

  // Requires a gradient of each parameter.
  void Step(double lr);
  // Scales the gradients so that their norm is at most `max_norm`, as
  // torch.nn.utils.clip_grad_norm_ does; 0 for no maximum. Returns their norm before.
  double ClipGradients(double max_norm) const;
  void ClearGradients() const;
  std::vector<std::string> NamesWithoutGradient() const;
  // Gives parameters without a gradient, because no output depends on them, one of zeros.
  void CompleteGradients() const;
  // The tensors that Step() changes beside the parameters: `momentum_buffer.<parameter>`, or
  // `exp_avg.<parameter>`, `exp_avg_sq.<parameter>` and `step.<parameter>`.
  NamedTensors State() const;

 private:
  struct GroupState {
    std::vector<at::Tensor> first, second, steps;
  };

  // The gradients in the layout of the parameters, which the fused kernels require.
  static std::vector<at::Tensor> Gradients(const ParameterGroup& group);

  std::variant<Sgd, AdamW> algorithm_;
  std::vector<ParameterGroup> groups_;
  std::vector<GroupState> states_;
};

}  // namespace semisup::train
