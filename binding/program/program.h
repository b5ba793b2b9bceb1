#pragma once
#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "program/computation.h"
#include "program/convolution_spec.h"
#include "program/frame.h"
#include "program/operators.h"

namespace semisup::program {

// Thrown if a method cannot be compiled; what() is a clause such as "it branches or loops".
struct UnsupportedGraph : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Either a fused convolution, whose inputs are images and optionally a residual, or a TorchScript
// operator.
struct Step {
  StepValues values;
  std::optional<ConvolutionSpec> convolution;
  // Empty for a convolution, and its name, e.g. "aten::relu".
  Operator op;
  std::string name = {};
  // What the operator computes, for backends that have a kernel for it.
  Computation computation = {};
  // The indices of the operator's inputs that are not constants.
  std::vector<size_t> variable_inputs = {};
};

// A method of a frozen module as a list of steps, independent of the device: plan::Plan prepares it
// for the CPU, gpu::Network for a GPU.
struct Program {
  std::vector<Step> steps;
  Values constants;
  int input = 0;
  std::vector<int> outputs;
  // Whether the method returns a list or a tuple of its outputs, not one tensor.
  bool returns_sequence = false;
  // The text of the graph without the values of weights. Programs with equal signatures can
  // share tuning results.
  std::string signature;
};

// Compiles a method of a module in eval mode. Throws UnsupportedGraph.
Program Compile(const torch::jit::Module& module, const std::string& method);

// Runs a program on a batch, and returns its outputs. Convolutions are delegated to
// run_convolution(step, frame), which must set the step's output.
template <class RunConvolution>
std::vector<at::Tensor> Execute(const Program& program, at::Tensor batch,
                                const RunConvolution& run_convolution) {
  Frame frame(program.constants, program.input, std::move(batch));
  for (const auto& step : program.steps) {
    if (step.convolution) {
      run_convolution(step, frame);
      frame.ReleaseLastUses(step.values);
    } else {
      frame.Run(step.op, step.values);
    }
  }
  std::vector<at::Tensor> outputs;
  for (const int output : program.outputs) outputs.push_back(frame[output].toTensor());
  return outputs;
}

}  // namespace semisup::program
