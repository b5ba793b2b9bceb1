#include "plan/operator_step.h"

#include <utility>

#include "engine/convert.h"
#include "plan/torch_tensor.h"

namespace semisup::plan {

engine::Tensor OperatorStep::Run(engine::Tensors inputs, engine::ExecutionMode,
                                 engine::StepState&) const {
  auto stack = arguments_;
  for (size_t i = 0; i < inputs.size(); i++) {
    if (inputs[i].dtype() == engine::DType::kUInt8) inputs[i] = engine::ToFloat32(inputs[i]);
    stack[inputs_[i]] = ToTorch(inputs[i]);
  }
  op_(stack);
  return FromTorch(stack.back().toTensor());
}

engine::Tensor FallbackStep::Run(engine::Tensors inputs, engine::ExecutionMode mode,
                                 engine::StepState& state) const {
  if (kernel_->Supports(inputs)) return kernel_->Run(std::move(inputs));
  // As a compiled network does, which has no operators.
  auto floats = inputs;
  for (auto& input : floats) input = engine::ToFloat32(std::exchange(input, {}));
  if (kernel_->Supports(floats)) {
    inputs.clear();
    return kernel_->Run(std::move(floats));
  }
  return op_->Run(std::move(inputs), mode, state);
}

}  // namespace semisup::plan
