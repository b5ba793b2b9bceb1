#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "kernels/elementwise/activation.h"
#include "program/computation.h"

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

// Null if there is no kernel for a computation, or for this processor.
std::unique_ptr<KernelStep> MakeKernelStep(const program::Computation& computation);

}  // namespace semisup::plan
