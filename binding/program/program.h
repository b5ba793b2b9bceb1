#pragma once
#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "program/convolution_spec.h"
#include "program/frame.h"
#include "program/operators.h"

namespace semisup::program {

// A method cannot be compiled; what() is the reason as a clause, e.g. "it branches or loops".
struct UnsupportedGraph : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A fused convolution, whose inputs are its input and its residual, or a TorchScript operator.
struct Step {
  Operands operands;
  std::optional<ConvolutionSpec> convolution;
  // Empty for a convolution.
  Operator op;
  // What the operator computes, where a backend may have a kernel for it.
  std::optional<LinearSpec> linear = std::nullopt;
  std::optional<kernels::MaxPool> max_pool = std::nullopt;
  bool is_global_average_pool = false;
};

// A method of a frozen module as a list of steps.
struct Program {
  std::vector<Step> steps;
  Values constants;
  int input = 0;
  int output = 0;
  // The graph without its weights' values: equal for programs that the same tuning suits.
  std::string signature;
};

// Compiles a method of a module in eval mode. Throws UnsupportedGraph.
Program Compile(const torch::jit::Module& module, const std::string& method);

// Runs a program on a batch; convolutions by run_convolution(step, frame), which sets their output.
template <class RunConvolution>
at::Tensor Execute(const Program& program, at::Tensor batch,
                   const RunConvolution& run_convolution) {
  Frame frame(program.constants, program.input, std::move(batch));
  for (const auto& step : program.steps) {
    if (step.convolution) {
      run_convolution(step, frame);
      frame.Release(step.operands);
    } else {
      frame.Run(step.op, step.operands);
    }
  }
  return frame[program.output].toTensor();
}

}  // namespace semisup::program
