#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

#include "program/planned_method.h"

namespace semisup {

// The larger program::RelativeDifference() between the outputs of a plan and of the method itself:
// for a single image, and for a batch of the preferred size. NaN if an output contains NaN.
double CompareWithTorchScript(PlannedMethod& plan, const torch::jit::Method& method,
                              const at::Tensor& images);

}  // namespace semisup
