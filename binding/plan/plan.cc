#include "plan.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "floating.h"
#include "threads.h"

namespace semisup::plan {
namespace {

c10::IValue Converted(c10::IValue value, at::ScalarType dtype) {
  if (!value.isTensor() || !value.toTensor().is_floating_point()) return value;
  return value.toTensor().to(dtype);
}

}  // namespace

Plan::Plan(const torch::jit::Module& module, const std::string& method, at::ScalarType dtype,
           std::shared_ptr<Arena> arena)
    : dtype_(dtype), arena_(std::move(arena)) {
  auto program = Compile(module, method);
  signature_ = program.Signature();
  for (auto& constant : program.constants) {
    constants_.push_back(Converted(std::move(constant), dtype));
  }
  for (auto& instruction : program.instructions) {
    Step step;
    if (instruction.convolution) {
      step.convolution = std::make_unique<FloatingConvolution>(*instruction.convolution, dtype);
      convolutions_.push_back(step.convolution.get());
    } else if (const auto linear = AsLinear(instruction.node); linear && Linear::Takes()) {
      step.linear = std::make_unique<Linear>(linear->weight, linear->bias);
      if (dtype != at::kFloat) step.linear->Halve();
    } else {
      step.operation = instruction.node->getOperation();
      step.pooling = AsMaxPool(instruction.node);
      step.is_mean = IsMeanOfPixels(instruction.node);
    }
    step.inputs = std::move(instruction.inputs);
    step.output = instruction.output;
    step.last_uses = std::move(instruction.last_uses);
    if (!FoldPooling(step)) steps_.push_back(std::move(step));
  }
  input_ = program.input;
  output_ = program.output;
  quantizations_.resize(constants_.size());
}

bool Plan::FoldPooling(const Step& step) {
  if (!step.pooling || steps_.empty() || dtype_ != at::kFloat) return false;
  auto& last = steps_.back();
  const int value = last.output;
  const bool is_for_it = step.inputs[0] == value &&
                         std::count(step.last_uses.begin(), step.last_uses.end(), value) > 0;
  if (!is_for_it || !last.convolution || last.convolution->spec().adds) return false;
  last.convolution->Pool(*step.pooling);
  last.output = step.output;
  return true;
}

at::Tensor Plan::Take(const Step& step, Values& values, int value) {
  const auto& inputs = step.inputs;
  const auto& last = step.last_uses;
  const bool is_last = std::count(last.begin(), last.end(), value) > 0;
  const bool is_twice = std::count(inputs.begin(), inputs.end(), value) > 1;
  return is_last && !is_twice ? std::move(values[value]).toTensor() : values[value].toTensor();
}

at::Tensor Plan::TakeBytes(const Step& step, Values& values, int value) const {
  auto tensor = Take(step, values, value);
  return tensor.scalar_type() == at::kByte ? tensor
                                           : plan::Quantize(tensor, *quantizations_[value]);
}

bool Plan::AreBytes(const Values& values, int value) const {
  return quantizations_[value] && values[value].toTensor().scalar_type() == at::kByte;
}

void Plan::RunPooling(const Step& step, Values& values) const {
  const int value = step.inputs[0];
  const bool are_bytes = AreBytes(values, value);
  const auto images = Take(step, values, value);
  auto pooled = step.pooling ? MaxPool(images, *step.pooling) : MeanOfPixels(images);
  if (are_bytes && !step.pooling) {
    pooled = pooled.sub(quantizations_[value]->zero_point).mul(quantizations_[value]->scale);
  }
  values[step.output] = std::move(pooled);
}

void Plan::RunOperation(const Step& step, Values& values) const {
  if ((step.pooling || step.is_mean) && CanPool(values[step.inputs[0]].toTensor().scalar_type())) {
    return RunPooling(step, values);
  }
  torch::jit::Stack stack;
  for (const int value : step.inputs) {
    if (AreBytes(values, value)) {
      stack.emplace_back(Dequantize(values[value].toTensor(), *quantizations_[value]));
    } else {
      stack.push_back(values[value]);
    }
  }
  for (const int value : step.last_uses) values[value] = {};
  step.operation(stack);
  values[step.output] = std::move(stack.back());
}

void Plan::RunStep(size_t index, Values& values, Packed& packed) const {
  const auto& step = steps_[index];
  if (step.operation) return RunOperation(step, values);
  if (step.linear) {
    values[step.output] = step.linear->Run(Take(step, values, step.inputs[0]));
    return;
  }
  const auto take = [&](int value) {
    return is_quantized_ ? TakeBytes(step, values, value) : Take(step, values, value);
  };
  auto other = step.inputs.size() > 1 ? take(step.inputs[1]) : at::Tensor();
  const auto input = take(step.inputs[0]);
  values[step.output] =
      step.convolution->Run(input, std::move(other), packed.setting, packed.weights[index]);
}

Values Plan::Start(const at::Tensor& input) const {
  auto values = constants_;
  // In float32 it is reordered by the first that wants it so: some read it as it lies.
  values[input_] =
      dtype_ == at::kFloat ? input : input.to(dtype_).contiguous(at::MemoryFormat::ChannelsLast);
  return values;
}

at::Tensor Plan::RunSteps(const at::Tensor& input, Packed& packed) const {
  const ArenaScope scope(arena_.get());
  auto values = Start(input);
  for (size_t i = 0; i < steps_.size(); i++) RunStep(i, values, packed);
  const auto output = values[output_].toTensor();
  const auto numbers =
      AreBytes(values, output_) ? Dequantize(output, *quantizations_[output_]) : output;
  return numbers.to(at::kFloat).contiguous();
}

void Plan::RunPacking(const at::Tensor& input, Packed& packed) const {
  std::optional<OneThread> one_thread;
  if (packed.setting == Setting::kPart) one_thread.emplace();
  RunSteps(input, packed);
}

std::shared_ptr<Plan::Packed> Plan::PackedFor(const at::Tensor& input, Setting setting) {
  constexpr size_t kMostShapes = 6;
  const std::lock_guard lock(mutex_);
  const auto key = std::make_pair(setting, input.sizes().vec());
  if (const auto found = packed_.find(key); found != packed_.end()) return found->second;
  auto packed = std::make_shared<Packed>(Packed{setting, std::vector<at::Tensor>(steps_.size())});
  RunPacking(input, *packed);
  // Runs that have theirs keep them.
  if (packed_.size() >= kMostShapes) packed_.clear();
  return packed_[key] = packed;
}

at::Tensor Plan::RunAlone(const at::Tensor& input) {
  return RunSteps(input, *PackedFor(input, Setting::kAlone));
}

at::Tensor Plan::RunParts(const at::Tensor& input, int64_t size) {
  const auto parts = input.split(size);
  const auto packed = PackedFor(parts[0], Setting::kPart);
  std::vector<at::Tensor> outputs(parts.size());
  // Each thread takes the next part when it is done with one: a thread that a neighbour holds up
  // leaves the rest to the others.
  std::atomic<size_t> next{0};
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t begin, int64_t end) {
    const c10::InferenceMode inference;
    for (int64_t thread = begin; thread < end; thread++) {
      for (size_t i = next++; i < parts.size(); i = next++) {
        outputs[i] = RunSteps(parts[i], *packed);
      }
    }
  });
  return at::cat(outputs);
}

int64_t Plan::preferred_batch_size() const { return part_size_ * at::get_num_threads(); }

bool Plan::Accepts(const at::Tensor& input) const {
  return input.dim() == 4 && input.numel() > 0 && input.scalar_type() == at::kFloat &&
         input.is_cpu();
}

double Plan::tolerance() const {
  if (is_quantized_) return 0.2;
  return dtype_ == at::kFloat ? 1e-3 : 5e-2;
}

at::Tensor Plan::Run(const at::Tensor& input) {
  const int64_t preferred = preferred_batch_size();
  const int64_t whole = preferred > 0 ? input.size(0) / preferred * preferred : 0;
  if (whole == input.size(0) && whole > 1) return RunParts(input, part_size_);
  if (input.size(0) < 2) return RunAlone(input);
  std::vector<at::Tensor> outputs;
  if (whole > 0) outputs.push_back(RunParts(input.narrow(0, 0, whole), part_size_));
  // What does not fill a part on each thread: with all threads, an image at a time.
  for (int64_t i = whole; i < input.size(0); i++)
    outputs.push_back(RunAlone(input.narrow(0, i, 1)));
  return at::cat(outputs);
}

}  // namespace semisup::plan
