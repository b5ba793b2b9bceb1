#include "plan/plan.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "kernels/bfloat16/bfloat16.h"
#include "kernels/simd_kernels.h"
#include "plan/float_convolution.h"
#include "plan/layout.h"
#include "plan/make_kernel_step.h"
#include "plan/pooling.h"
#include "plan/single_thread.h"

namespace semisup::plan {
namespace {

std::unique_ptr<Convolution> MakeConvolution(program::ConvolutionSpec spec,
                                             program::ComputePrecision precision) {
  if (precision == program::ComputePrecision::kBFloat16) {
    return std::make_unique<FloatConvolution<kernels::BFloat16>>(std::move(spec));
  }
  return std::make_unique<FloatConvolution<float>>(std::move(spec));
}

// Of many rows, a linear layer is limited by arithmetic, which the operator does in bfloat16.
bool IsBFloat16Pixels(const at::Tensor& tensor) {
  return tensor.dim() == 4 && tensor.scalar_type() == at::kBFloat16;
}

c10::IValue Converted(c10::IValue value, at::ScalarType dtype) {
  if (!value.isTensor() || !value.toTensor().is_floating_point()) return value;
  return value.toTensor().to(dtype);
}

}  // namespace

Plan::Plan(const torch::jit::Module& module, const std::string& method,
           program::ComputePrecision precision, std::shared_ptr<Arena> arena)
    : precision_(precision == program::ComputePrecision::kInt8 ? program::ComputePrecision::kFloat32
                                                               : precision),
      arena_(std::move(arena)) {
  auto program = program::Compile(module, method);
  signature_ = std::move(program.signature);
  const auto dtype = program::DTypeOf(precision_);
  for (auto& constant : program.constants) {
    constants_.push_back(Converted(std::move(constant), dtype));
  }
  // Int8 convolutions apply no activation but the ReLU, and those of oneDNN in bfloat16 neither.
  const bool fuses_activations = precision == program::ComputePrecision::kFloat32;
  for (auto& program_step : program.steps) {
    if (fuses_activations && FuseActivation(program_step)) continue;
    auto step = MakeStep(std::move(program_step));
    if (FuseMaxPool(step)) continue;
    if (step.convolution) convolutions_.push_back(step.convolution.get());
    steps_.push_back(std::move(step));
  }
  input_value_ = program.input;
  output_value_ = program.output;
  quantizations_.resize(constants_.size());
}

Plan::PlanStep Plan::MakeStep(program::Step program_step) const {
  PlanStep step;
  step.values = std::move(program_step.values);
  if (program_step.convolution) {
    step.convolution = MakeConvolution(std::move(*program_step.convolution), precision_);
    return step;
  }
  const auto& computation = program_step.computation;
  if (const auto* linear = std::get_if<program::LinearSpec>(&computation);
      linear && Linear::IsSupported()) {
    step.linear = std::make_unique<Linear>(*linear);
    if (precision_ != program::ComputePrecision::kFloat32) step.linear->ConvertToBFloat16();
  }
  step.op = std::move(program_step.op);
  if (const auto* pool = std::get_if<kernels::MaxPool>(&computation)) step.max_pool = *pool;
  if (const auto* pool = std::get_if<program::GlobalAveragePool>(&computation)) {
    step.global_average_pool = *pool;
  }
  step.kernel = MakeKernelStep(computation);
  step.variable_inputs = std::move(program_step.variable_inputs);
  return step;
}

Plan::PlanStep* Plan::PreviousOf(const program::StepValues& values) {
  if (steps_.empty()) return nullptr;
  auto& previous = steps_.back();
  const int value = previous.values.output;
  const bool is_last_use = std::count(values.last_uses.begin(), values.last_uses.end(), value) > 0;
  const bool is_input = !values.inputs.empty() && values.inputs[0] == value;
  return is_input && is_last_use ? &previous : nullptr;
}

bool Plan::FuseActivation(const program::Step& step) {
  const auto* activation = std::get_if<kernels::Activation>(&step.computation);
  auto* previous = activation && kernels::ActiveKernels() ? PreviousOf(step.values) : nullptr;
  if (!previous) return false;
  const bool is_fused = previous->convolution ? previous->convolution->FuseActivation(*activation)
                        : previous->linear
                            ? previous->linear->FuseActivation(*activation)
                            : previous->kernel && previous->kernel->FuseActivation(*activation);
  if (is_fused) previous->values.output = step.values.output;
  return is_fused;
}

bool Plan::FuseMaxPool(const PlanStep& step) {
  auto* previous = step.max_pool ? PreviousOf(step.values) : nullptr;
  if (!previous || !previous->convolution) return false;
  const auto& spec = previous->convolution->spec();
  if (spec.has_residual || spec.max_pool) return false;
  previous->convolution->FuseMaxPool(*step.max_pool);
  previous->values.output = step.values.output;
  return true;
}

program::Frame Plan::MakeFrame(const at::Tensor& input) const {
  const auto dtype = program::DTypeOf(precision_);
  // In float32 the first step that needs NHWC converts the layout: some kernels read NCHW.
  return {constants_, input_value_,
          dtype == at::kFloat ? input : input.to(dtype).contiguous(kNhwc)};
}

bool Plan::IsQuantized(const program::Frame& frame, int value) const {
  return quantizations_[value] && frame[value].toTensor().scalar_type() == at::kByte;
}

at::Tensor Plan::TakeQuantized(const PlanStep& step, program::Frame& frame, size_t input) const {
  auto tensor = frame.Take(step.values, input);
  if (tensor.scalar_type() == at::kByte) return tensor;
  return plan::Quantize(tensor, *quantizations_[step.values.inputs[input]]);
}

void Plan::RunPooling(const PlanStep& step, program::Frame& frame) const {
  const int value = step.values.inputs[0];
  const bool is_quantized = IsQuantized(frame, value);
  const auto images = frame.Take(step.values, 0);
  auto pooled = step.max_pool ? RunMaxPool(images, *step.max_pool) : RunGlobalAveragePool(images);
  if (is_quantized && !step.max_pool) {
    pooled = pooled.sub(quantizations_[value]->zero_point).mul(quantizations_[value]->scale);
  }
  const auto& mean = step.global_average_pool;
  frame.Set(step.values, mean && !mean->keeps_dimensions ? pooled.flatten(1) : std::move(pooled));
}

bool Plan::RunKernel(const PlanStep& step, program::Frame& frame) const {
  const auto& values = step.values.inputs;
  Tensors inputs;
  for (const size_t input : step.variable_inputs) {
    const auto& tensor = frame[values[input]].toTensor();
    if (tensor.scalar_type() != at::kFloat && !IsQuantized(frame, values[input])) return false;
    inputs.push_back(tensor);
  }
  if (!step.kernel->Supports(inputs)) return false;
  for (size_t i = 0; i < inputs.size(); i++) {
    const int value = values[step.variable_inputs[i]];
    const bool is_quantized = IsQuantized(frame, value);
    inputs[i].reset();
    inputs[i] = frame.Take(step.values, step.variable_inputs[i]);
    if (is_quantized) inputs[i] = Dequantize(inputs[i], *quantizations_[value]);
  }
  frame.Set(step.values, step.kernel->Run(std::move(inputs)));
  return true;
}

void Plan::RunOperator(const PlanStep& step, program::Frame& frame) const {
  if (step.kernel && RunKernel(step, frame)) return;
  const bool is_pooling = step.max_pool || step.global_average_pool;
  if (is_pooling && SupportsPooling(frame[step.values.inputs[0]].toTensor().scalar_type())) {
    return RunPooling(step, frame);
  }
  frame.Run(step.op, step.values, [&](int value, const c10::IValue& input) -> c10::IValue {
    if (!IsQuantized(frame, value)) return input;
    return Dequantize(input.toTensor(), *quantizations_[value]);
  });
}

void Plan::RunConvolution(size_t index, program::Frame& frame, PackedWeights& packed) const {
  const auto& step = steps_[index];
  const auto take = [&](size_t input) {
    if (is_int8()) return TakeQuantized(step, frame, input);
    // Some kernels return float32 in every precision.
    return frame.Take(step.values, input).to(program::DTypeOf(precision_));
  };
  auto residual = step.values.inputs.size() > 1 ? take(1) : at::Tensor();
  const auto input = take(0);
  frame.Set(step.values,
            step.convolution->Run(input, std::move(residual), packed.mode, packed.weights[index]));
}

void Plan::RunStep(size_t index, program::Frame& frame, PackedWeights& packed) const {
  const auto& step = steps_[index];
  if (step.convolution) {
    RunConvolution(index, frame, packed);
  } else if (step.linear && !IsBFloat16Pixels(frame[step.values.inputs[0]].toTensor())) {
    frame.Set(step.values, step.linear->Run(frame.Take(step.values, 0)));
  } else {
    RunOperator(step, frame);
  }
}

at::Tensor Plan::RunSteps(const at::Tensor& input, PackedWeights& packed) const {
  const ArenaScope scope(arena_.get());
  auto frame = MakeFrame(input);
  for (size_t i = 0; i < steps_.size(); i++) RunStep(i, frame, packed);
  const auto output = frame[output_value_].toTensor();
  const auto values = IsQuantized(frame, output_value_)
                          ? Dequantize(output, *quantizations_[output_value_])
                          : output;
  return values.to(at::kFloat).contiguous();
}

Plan::PackedWeights Plan::EmptyPackedWeights(ExecutionMode mode) const {
  return {mode, std::vector<at::Tensor>(steps_.size())};
}

void Plan::Pack(const at::Tensor& input, PackedWeights& packed) const {
  std::optional<SingleThreadScope> single_thread;
  if (packed.mode == ExecutionMode::kThroughput) single_thread.emplace();
  RunSteps(input, packed);
}

std::shared_ptr<Plan::PackedWeights> Plan::FindOrPackWeights(const at::Tensor& input,
                                                             ExecutionMode mode) {
  constexpr size_t kMaxShapes = 6;
  const std::lock_guard lock(mutex_);
  const auto key = std::make_pair(mode, input.sizes().vec());
  if (const auto found = packed_.find(key); found != packed_.end()) return found->second;
  auto packed = std::make_shared<PackedWeights>(EmptyPackedWeights(mode));
  Pack(input, *packed);
  // Runs in progress keep their own references to the packed weights.
  if (packed_.size() >= kMaxShapes) packed_.clear();
  return packed_[key] = packed;
}

at::Tensor Plan::RunInLatencyMode(const at::Tensor& image) {
  return RunSteps(image, *FindOrPackWeights(image, ExecutionMode::kLatency));
}

at::Tensor Plan::RunInThroughputMode(const at::Tensor& batch, int64_t sub_batch) {
  const auto inputs = batch.split(sub_batch);
  const auto packed = FindOrPackWeights(inputs[0], ExecutionMode::kThroughput);
  std::vector<at::Tensor> outputs(inputs.size());
  // Threads take the next sub-batch as they become free, so a thread that is descheduled delays
  // only its current sub-batch.
  std::atomic<size_t> next{0};
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t begin, int64_t end) {
    const c10::InferenceMode inference;
    const SingleThreadScope single_thread;
    for (int64_t thread = begin; thread < end; thread++) {
      for (size_t i = next++; i < inputs.size(); i = next++) {
        outputs[i] = RunSteps(inputs[i], *packed);
      }
    }
  });
  return at::cat(outputs);
}

int64_t Plan::preferred_batch_size() const { return sub_batch_ * at::get_num_threads(); }

bool Plan::Accepts(const at::Tensor& input) const {
  return input.dim() == 4 && input.numel() > 0 && input.scalar_type() == at::kFloat &&
         input.is_cpu();
}

double Plan::tolerance() const { return program::ToleranceOf(precision_); }

at::Tensor Plan::Run(const at::Tensor& input) {
  const int64_t images = input.size(0);
  const int64_t preferred = preferred_batch_size();
  // The number of images in whole preferred batches, which fill a sub-batch on each thread.
  const int64_t filled = preferred > 0 ? images / preferred * preferred : 0;
  if (filled == images && filled > 1) return RunInThroughputMode(input, sub_batch_);
  if (images < 2) return RunInLatencyMode(input);
  std::vector<at::Tensor> outputs;
  if (filled > 0) outputs.push_back(RunInThroughputMode(input.narrow(0, 0, filled), sub_batch_));
  for (int64_t i = filled; i < images; i++)
    outputs.push_back(RunInLatencyMode(input.narrow(0, i, 1)));
  return at::cat(outputs);
}

}  // namespace semisup::plan
