#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/arena.h"
#include "script/script_module.h"
#include "train/mix.h"
#include "train/optimizer.h"

namespace semisup::train {

struct TrainerOptions {
  struct Group {
    std::vector<std::string> names;
    double lr_scale;
    double weight_decay;
  };

  std::variant<Sgd, AdamW> algorithm;
  // Parameters in no group are not trained.
  std::vector<Group> groups;
  // The submodules that remain in eval mode.
  std::vector<std::string> eval_modules;
  double label_smoothing;
  // The maximum norm of the gradients; 0 if it is not limited.
  double clip_norm;
  // The decay of the moving average of the weights; 0 for none.
  double ema_decay;
  // Whether operators run in bfloat16 where PyTorch's autocast does so.
  bool autocast;
};

struct StepOptions {
  double lr;
  // Seeds the operators that use random numbers, e.g. dropout.
  uint64_t seed;
  // 1 / the number of batches whose gradients are accumulated.
  double loss_scale;
  // Whether the optimizer updates the parameters after this batch.
  bool updates;
  std::optional<Mix> mix;
};

struct StepResult {
  double loss;
  // The number of images whose largest logit is that of the target.
  int64_t correct;
  // The norm of the gradients before they are clipped; only of batches that update.
  std::optional<double> gradient_norm;
};

// Trains a module in place. Neither the module nor the trainer may be used concurrently.
class Trainer {
 public:
  // Throws ERR_SEMISUP_OPTION_VALUE for a name that the module does not have, and
  // ERR_SEMISUP_TRAINING_MODULE as CheckTrainingMode() does.
  Trainer(std::shared_ptr<ScriptModule> module, const TrainerOptions& options,
          std::shared_ptr<engine::Arena> arena);

  // Runs forward(images), images float32 [n, c, h, w], and adds the gradients to those of earlier
  // batches; then updates, unless the loss or a gradient is not finite: the result shows that, and
  // the weights are unchanged. Throws ERR_SEMISUP_TRAINING_MODULE before the first update if a
  // parameter has no gradient; a later one without, e.g. of a branch, is not changed by it.
  StepResult Step(const at::Tensor& images, const at::Tensor& targets, const StepOptions& options);

  // A copy of the module on the CPU, in eval mode; with `use_ema`, with the moving averages of its
  // weights.
  torch::jit::Module Copy(bool use_ema) const;

  // All tensors that training changes: `model.<parameter or buffer>`, `optimizer.<…>`, `ema.<…>`.
  NamedTensors State() const;

  c10::Device device() const { return script_->device; }

 private:
  void SetTraining();
  at::Tensor Forward(const at::Tensor& images) const;
  void CheckGradients();
  void UpdateEma();

  std::shared_ptr<ScriptModule> script_;
  TrainerOptions options_;
  std::shared_ptr<engine::Arena> arena_;
  torch::jit::Code code_;
  std::optional<Optimizer> optimizer_;
  // Whether each parameter has had a gradient.
  bool has_gradients_ = false;
  // The parameters and buffers, and their moving averages.
  NamedTensors weights_;
  std::vector<at::Tensor> ema_;
};

}  // namespace semisup::train
