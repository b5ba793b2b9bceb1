#pragma once
#include <memory>

#include "plan/kernel_step.h"
#include "program/computation.h"

namespace semisup::plan {

// Null if there is no kernel for a computation, or for this processor.
std::unique_ptr<KernelStep> MakeKernelStep(const program::Computation& computation);

}  // namespace semisup::plan
