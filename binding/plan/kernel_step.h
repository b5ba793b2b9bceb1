#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "kernels/elementwise/activation.h"

namespace semisup::plan {

using Tensors = std::vector<at::Tensor>;

// An operator that kernels compute for float32 tensors. Thread-safe.
class KernelStep {
 public:
  virtual ~KernelStep() = default;
  // Whether the kernels support the shapes of the inputs. Otherwise, the operator computes the
  // step.
  virtual bool Supports(const Tensors& inputs) const = 0;
  // Overwrites an input to which nothing else refers.
  virtual at::Tensor Run(Tensors inputs) const = 0;
  // Appends an activation, if the kernel can apply one.
  virtual bool FuseActivation(const kernels::Activation&) { return false; }
};

}  // namespace semisup::plan
