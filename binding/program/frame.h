#pragma once
#include <ATen/core/ivalue.h>

#include <functional>
#include <vector>

namespace semisup::program {

// The values of a program by index; None where a step computes the value.
using Values = std::vector<c10::IValue>;

// A TorchScript operator, which pops its inputs off the stack and pushes its output.
using Operator = std::function<void(std::vector<c10::IValue>&)>;

// The indices of the values that a step reads and writes.
struct Operands {
  std::vector<int> inputs;
  int output = 0;
  // The inputs that no later step reads.
  std::vector<int> last_uses;
};

// The values of one run of a program. A value is released at its last use, so that the run reuses
// its memory.
class Frame {
 public:
  Frame(const Values& constants, int input, at::Tensor batch);

  const c10::IValue& operator[](int value) const { return values_[value]; }
  void Set(const Operands& operands, at::Tensor output) {
    values_[operands.output] = std::move(output);
  }

  // A step's input. At its last use the caller receives the frame's only reference, and may
  // overwrite the tensor.
  at::Tensor Take(const Operands& operands, size_t input);
  // Runs an operator on the step's inputs, after `convert` is applied to each, e.g. to
  // dequantize it.
  template <class Convert>
  void Run(const Operator& op, const Operands& operands, const Convert& convert) {
    std::vector<c10::IValue> stack;
    for (const int value : operands.inputs) stack.push_back(convert(value, values_[value]));
    Release(operands);
    op(stack);
    values_[operands.output] = std::move(stack.back());
  }
  void Run(const Operator& op, const Operands& operands) {
    Run(op, operands, [](int, const c10::IValue& value) { return value; });
  }
  // Releases the values that no later step reads.
  void Release(const Operands& operands);

 private:
  Values values_;
};

}  // namespace semisup::program
