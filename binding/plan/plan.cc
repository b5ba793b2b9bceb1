#include "plan/plan.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "kernels/bfloat16/bfloat16.h"
#include "plan/float_convolution.h"
#include "plan/layout.h"
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

c10::IValue Converted(c10::IValue value, at::ScalarType dtype) {
  if (!value.isTensor() || !value.toTensor().is_floating_point()) return value;
  return value.toTensor().to(dtype);
}

}  // namespace

Plan::Plan(const torch::jit::Module& module, const std::string& method,
           program::ComputePrecision precision, std::shared_ptr<Arena> arena)
    : precision_(precision), arena_(std::move(arena)) {
  auto program = program::Compile(module, method);
  signature_ = std::move(program.signature);
  const auto dtype = program::DTypeOf(precision_);
  for (auto& constant : program.constants) {
    constants_.push_back(Converted(std::move(constant), dtype));
  }
  for (auto& program_step : program.steps) {
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
  } else if (program_step.linear && Linear::IsSupported()) {
    step.linear = std::make_unique<Linear>(*program_step.linear);
    if (precision_ != program::ComputePrecision::kFloat32) step.linear->ConvertToBFloat16();
  } else {
    step.op = std::move(program_step.op);
    step.max_pool = program_step.max_pool;
    step.is_global_average_pool = program_step.is_global_average_pool;
  }
  return step;
}

bool Plan::FuseMaxPool(const PlanStep& step) {
  if (!step.max_pool || steps_.empty()) return false;
  auto& previous = steps_.back();
  const int value = previous.values.output;
  const auto& last_uses = step.values.last_uses;
  const bool is_only_use =
      step.values.inputs[0] == value && std::count(last_uses.begin(), last_uses.end(), value) > 0;
  if (!is_only_use || !previous.convolution || previous.convolution->spec().has_residual) {
    return false;
  }
  previous.convolution->FuseMaxPool(*step.max_pool);
  previous.values.output = step.values.output;
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
  frame.Set(step.values, std::move(pooled));
}

void Plan::RunOperator(const PlanStep& step, program::Frame& frame) const {
  const bool is_pooling = step.max_pool || step.is_global_average_pool;
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
    return is_int8() ? TakeQuantized(step, frame, input) : frame.Take(step.values, input);
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
  } else if (step.linear) {
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
