#pragma once
#include <ATen/core/ivalue.h>

#include <functional>
#include <vector>

#include "engine/step.h"

namespace semisup::program {

// The values of a program, by index. None for values that a step computes.
using Values = std::vector<c10::IValue>;

// A TorchScript operator, which pops its inputs off the stack and pushes its output.
using Operator = std::function<void(std::vector<c10::IValue>&)>;

using engine::StepValues;

// The values of one run of a program. Each is released after its last use, so that the run reuses
// its memory.
class Frame {
 public:
  Frame(const Values& constants, int input, at::Tensor batch);

  const c10::IValue& operator[](int value) const { return values_[value]; }
  void Set(const StepValues& step_values, at::Tensor output) {
    values_[step_values.output] = std::move(output);
  }

  // Returns a step's input. At its last use, the frame's reference is moved to the caller, which
  // may then overwrite the tensor.
  at::Tensor Take(const StepValues& step_values, size_t input);
  // Runs an operator on the step's inputs.
  void Run(const Operator& op, const StepValues& step_values);
  // Releases the values that no later step reads.
  void ReleaseLastUses(const StepValues& step_values);

 private:
  Values values_;
};

}  // namespace semisup::program
