#include "engine/step.h"

#include <stdexcept>
#include <utility>

#include "engine/convert.h"

namespace semisup::engine {

Tensor KernelStep::Run(Tensors inputs, ExecutionMode, StepState&) const {
  if (Supports(inputs)) return Run(std::move(inputs));
  std::string sizes;
  for (auto& input : inputs) {
    sizes += (sizes.empty() ? "" : " and ") + ToString(input.sizes());
    input = ToFloat32(std::exchange(input, {}));
  }
  if (Supports(inputs)) return Run(std::move(inputs));
  throw std::invalid_argument("A step of the network does not support tensors of the shape " +
                              sizes + ".");
}

}  // namespace semisup::engine
