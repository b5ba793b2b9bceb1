#include "program/frame.h"

#include <algorithm>
#include <utility>

namespace semisup::program {

Frame::Frame(const Values& constants, int input, at::Tensor batch) : values_(constants) {
  values_[input] = std::move(batch);
}

at::Tensor Frame::Take(const StepValues& step_values, size_t input) {
  const int value = step_values.inputs[input];
  const auto count_in = [value](const std::vector<int>& values) {
    return std::count(values.begin(), values.end(), value);
  };
  const bool is_last = count_in(step_values.last_uses) > 0;
  const bool is_repeated = count_in(step_values.inputs) > 1;
  return is_last && !is_repeated ? std::move(values_[value]).toTensor() : values_[value].toTensor();
}

void Frame::Run(const Operator& op, const StepValues& step_values) {
  std::vector<c10::IValue> stack;
  for (const int value : step_values.inputs) stack.push_back(values_[value]);
  ReleaseLastUses(step_values);
  op(stack);
  values_[step_values.output] = std::move(stack.back());
}

void Frame::ReleaseLastUses(const StepValues& step_values) {
  for (const int value : step_values.last_uses) values_[value] = {};
}

}  // namespace semisup::program
