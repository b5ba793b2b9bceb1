#pragma once
#include <ATen/core/ivalue.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/step.h"
#include "program/frame.h"

namespace semisup::plan {

// A TorchScript operator whose output is not a view of an input: those that return views have steps
// of their own. Quantized inputs are dequantized.
class OperatorStep final : public engine::Step {
 public:
  // `arguments`: those of the operator. `inputs`: which of them are inputs of the step.
  OperatorStep(std::string name, program::Operator op, std::vector<c10::IValue> arguments,
               std::vector<size_t> inputs)
      : name_(std::move(name)),
        op_(std::move(op)),
        arguments_(std::move(arguments)),
        inputs_(std::move(inputs)) {}

  // E.g. "aten::relu".
  const std::string& name() const { return name_; }
  engine::Tensor Run(engine::Tensors inputs, engine::ExecutionMode mode,
                     engine::StepState& state) const override;
  std::optional<engine::StepDescription> Describe() const override { return std::nullopt; }

 private:
  const std::string name_;
  const program::Operator op_;
  const std::vector<c10::IValue> arguments_;
  const std::vector<size_t> inputs_;
};

// A kernel, or an operator for inputs that the kernel does not support even in float32.
class FallbackStep final : public engine::Step {
 public:
  FallbackStep(std::unique_ptr<engine::KernelStep> kernel, std::unique_ptr<OperatorStep> op)
      : kernel_(std::move(kernel)), op_(std::move(op)) {}

  const engine::KernelStep& kernel() const { return *kernel_; }
  engine::Tensor Run(engine::Tensors inputs, engine::ExecutionMode mode,
                     engine::StepState& state) const override;
  std::optional<engine::StepDescription> Describe() const override { return kernel_->Describe(); }
  bool FuseActivation(const kernels::Activation& activation) override {
    return kernel_->FuseActivation(activation);
  }

 private:
  const std::unique_ptr<engine::KernelStep> kernel_;
  const std::unique_ptr<OperatorStep> op_;
};

}  // namespace semisup::plan
