#pragma once
#include <memory>

#include "engine/step.h"
#include "program/computation.h"

namespace semisup::plan {

// Null if there is no kernel for a computation, or for this processor.
std::unique_ptr<engine::KernelStep> MakeKernelStep(const program::Computation& computation);

}  // namespace semisup::plan
