#pragma once
#include <ATen/core/ivalue.h>

#include <functional>
#include <vector>

namespace semisup::program {

// The values of a program, by index. None for values that a step computes.
using Values = std::vector<c10::IValue>;

// A TorchScript operator, which pops its inputs off the stack and pushes its output.
using Operator = std::function<void(std::vector<c10::IValue>&)>;

// The values that a step reads and writes, as indices into Values.
struct StepValues {
  std::vector<int> inputs;
  int output = 0;
  // The inputs that no later step reads.
  std::vector<int> last_uses;
};

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
  // Runs an operator on the step's inputs, each after convert(value, input), e.g. to dequantize it.
  template <class Convert>
  void Run(const Operator& op, const StepValues& step_values, const Convert& convert) {
    std::vector<c10::IValue> stack;
    for (const int value : step_values.inputs) stack.push_back(convert(value, values_[value]));
    ReleaseLastUses(step_values);
    op(stack);
    values_[step_values.output] = std::move(stack.back());
  }
  void Run(const Operator& op, const StepValues& step_values) {
    Run(op, step_values, [](int, const c10::IValue& value) { return value; });
  }
  // Releases the values that no later step reads.
  void ReleaseLastUses(const StepValues& step_values);

 private:
  Values values_;
};

}  // namespace semisup::program
