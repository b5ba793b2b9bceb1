#include "plan/build_steps.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/simd_kernels.h"
#include "plan/float_convolution.h"
#include "plan/make_kernel_step.h"
#include "plan/operator_step.h"

namespace semisup::plan {
namespace {

using program::ComputePrecision;

c10::IValue Converted(const c10::IValue& value, at::ScalarType dtype) {
  if (!value.isTensor() || !value.toTensor().is_floating_point()) return value;
  return value.toTensor().to(dtype);
}

class Builder {
 public:
  Builder(program::Program program, ComputePrecision precision)
      : program_(std::move(program)), precision_(precision) {}

  BuiltSteps Build() {
    auto& steps = built_.steps;
    steps.values = static_cast<int>(program_.constants.size());
    steps.input = program_.input;
    steps.outputs = program_.outputs;
    for (auto& step : program_.steps) {
      if (!Fuse(step)) steps.entries.push_back(MakeEntry(step));
    }
    return std::move(built_);
  }

 private:
  // The previous step, if `step` is the only use of its output.
  engine::Steps::Entry* PreviousOf(const engine::StepValues& values) {
    if (built_.steps.entries.empty()) return nullptr;
    auto& previous = built_.steps.entries.back();
    const int value = previous.values.output;
    const bool is_last_use =
        std::count(values.last_uses.begin(), values.last_uses.end(), value) > 0;
    const bool is_input = !values.inputs.empty() && values.inputs[0] == value;
    return is_input && is_last_use ? &previous : nullptr;
  }

  // Fuses an activation or max pooling into the previous step.
  bool Fuse(const program::Step& step) {
    auto* previous = PreviousOf(step.values);
    if (!previous) return false;
    bool is_fused = false;
    if (const auto* pool = std::get_if<kernels::MaxPool>(&step.computation)) {
      const bool is_convolution = !built_.convolutions.empty() &&
                                  &built_.convolutions.back()->step() == previous->step.get();
      is_fused = is_convolution && built_.convolutions.back()->step().FuseMaxPool(*pool);
    }
    // Convolutions apply no activation but the ReLU in lower precisions.
    const bool fuses_activations =
        precision_ == ComputePrecision::kFloat32 && kernels::ActiveKernels();
    if (const auto* activation = std::get_if<kernels::Activation>(&step.computation)) {
      is_fused = fuses_activations && previous->step->FuseActivation(*activation);
    }
    if (is_fused) previous->values.output = step.values.output;
    return is_fused;
  }

  engine::Steps::Entry MakeEntry(program::Step& step) {
    engine::Steps::Entry entry;
    if (step.convolution) {
      entry.step = MakeConvolution(std::move(*step.convolution));
      entry.values = std::move(step.values);
      return entry;
    }
    entry.values = {.inputs = {}, .output = step.values.output, .last_uses = {}};
    for (const size_t input : step.variable_inputs) {
      entry.values.inputs.push_back(step.values.inputs[input]);
    }
    entry.values.last_uses = step.values.last_uses;
    entry.step = MakeOperation(step);
    return entry;
  }

  std::unique_ptr<engine::Step> MakeConvolution(program::ConvolutionSpec spec) {
    const bool is_bfloat16 = precision_ == ComputePrecision::kBFloat16;
    auto step = std::make_unique<engine::ConvolutionStep>(engine::FusedConvolution{
        .shape = spec.Shape(),
        .dtype = is_bfloat16 ? engine::DType::kBFloat16 : engine::DType::kFloat32,
        .has_residual = spec.has_residual,
        .relu = spec.relu});
    if (is_bfloat16) {
      built_.convolutions.push_back(
          std::make_unique<FloatConvolution<kernels::BFloat16>>(std::move(spec), *step));
    } else {
      built_.convolutions.push_back(
          std::make_unique<FloatConvolution<float>>(std::move(spec), *step));
    }
    return step;
  }

  std::unique_ptr<engine::Step> MakeOperation(const program::Step& step) {
    const auto dtype = program::DTypeOf(precision_);
    std::vector<c10::IValue> arguments;
    for (const int value : step.values.inputs) {
      arguments.push_back(Converted(program_.constants[value], dtype));
    }
    auto op = std::make_unique<OperatorStep>(step.name, step.op, std::move(arguments),
                                             step.variable_inputs);
    auto kernel = MakeKernelStep(step.computation);
    if (!kernel) return op;
    if (auto* linear = dynamic_cast<engine::LinearStep*>(kernel.get())) {
      built_.linears.push_back(linear);
      if (precision_ == ComputePrecision::kBFloat16) linear->ConvertToBFloat16();
    }
    return std::make_unique<FallbackStep>(std::move(kernel), std::move(op));
  }

  program::Program program_;
  const ComputePrecision precision_;
  BuiltSteps built_;
};

}  // namespace

BuiltSteps BuildSteps(program::Program program, ComputePrecision precision) {
  return Builder(std::move(program), precision).Build();
}

}  // namespace semisup::plan
