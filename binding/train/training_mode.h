#pragma once
#include <torch/csrc/jit/ir/ir.h>

#include <string>
#include <vector>

namespace semisup::train {

// Throws ERR_SEMISUP_TRAINING_MODULE if a normalization or dropout of a graph without calls
// computes the same in training as in eval mode, because torch.jit.trace recorded the mode as a
// constant. Accepts normalizations in eval mode of `eval_modules`, which remain in it.
void CheckTrainingMode(const torch::jit::Graph& graph,
                       const std::vector<std::string>& eval_modules);

}  // namespace semisup::train
