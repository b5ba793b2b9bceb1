#include "engine/network.h"

#include <algorithm>
#include <atomic>

#include "engine/convert.h"
#include "kernels/parallel.h"

namespace semisup::engine {
namespace {

int64_t Count(const std::vector<int>& values, int value) {
  return std::count(values.begin(), values.end(), value);
}

// The values of one run. Each is released after its last use, so that the run reuses its memory.
class Frame {
 public:
  explicit Frame(const Steps& steps) : values_(steps.values) {}

  Tensor& operator[](int value) { return values_[value]; }

  // The inputs of a step. At the last use of a value, its reference is moved to the step, which may
  // then overwrite it.
  Tensors Take(const StepValues& step) {
    Tensors inputs;
    for (const int value : step.inputs) {
      const bool is_moved = Count(step.last_uses, value) > 0 && Count(step.inputs, value) == 1;
      inputs.push_back(is_moved ? std::move(values_[value]) : values_[value]);
    }
    for (const int value : step.last_uses) values_[value] = {};
    return inputs;
  }

 private:
  Tensors values_;
};

}  // namespace

Tensor Network::RunSteps(const Tensor& input, StepStates& states, const Observer& observer) const {
  const ArenaScope scope(arena_.get());
  Frame frame(steps_);
  frame[steps_.input] = input;
  for (size_t i = 0; i < steps_.entries.size(); i++) {
    const auto& [values, step] = steps_.entries[i];
    auto output = step->Run(frame.Take(values), states.mode, states.states[i]);
    if (observer) observer(i, output);
    frame[values.output] = std::move(output);
  }
  return ToFloat32(frame[steps_.output]).Dense(Layout::kNchw);
}

void Network::ForEachThread(const std::function<void(int64_t)>& run) const {
  kernels::ParallelFor(kernels::ThreadCount(), 1, [&](int64_t begin, int64_t end, int64_t) {
    const auto run_all = [&] {
      for (int64_t thread = begin; thread < end; thread++) run(thread);
    };
    if (thread_scope_) return thread_scope_(run_all);
    run_all();
  });
}

void Network::Initialize(const Tensor& input, StepStates& states) const {
  const auto run = [&] { RunSteps(input, states); };
  if (states.mode == ExecutionMode::kThroughput && thread_scope_) return thread_scope_(run);
  run();
}

std::shared_ptr<StepStates> Network::StatesFor(const Tensor& input, ExecutionMode mode) {
  constexpr size_t kMaxShapes = 6;
  const std::lock_guard lock(mutex_);
  const auto key = std::make_pair(mode, input.sizes());
  if (const auto found = states_.find(key); found != states_.end()) return found->second;
  auto states = std::make_shared<StepStates>(EmptyStates(mode));
  const bool has_states = std::any_of(steps_.entries.begin(), steps_.entries.end(),
                                      [](const auto& entry) { return entry.step->HasState(); });
  if (has_states) Initialize(input, *states);
  // Runs in progress keep their own references to the states.
  if (states_.size() >= kMaxShapes) states_.clear();
  return states_[key] = states;
}

Tensor Network::RunInLatencyMode(const Tensor& image) {
  return RunSteps(image, *StatesFor(image, ExecutionMode::kLatency));
}

Tensor Network::RunInThroughputMode(const Tensor& batch, int64_t sub_batch) {
  const int64_t images = batch.size(0);
  Tensors inputs;
  for (int64_t i = 0; i < images; i += sub_batch) {
    inputs.push_back(batch.Narrow(0, i, std::min(sub_batch, images - i)));
  }
  const auto states = StatesFor(inputs[0], ExecutionMode::kThroughput);
  Tensors outputs(inputs.size());
  // Threads take the next sub-batch as they become free, so a thread that is descheduled delays
  // only its current sub-batch.
  std::atomic<size_t> next{0};
  ForEachThread([&](int64_t) {
    for (size_t i = next++; i < inputs.size(); i = next++)
      outputs[i] = RunSteps(inputs[i], *states);
  });
  return ConcatenateRows(outputs);
}

int64_t Network::preferred_batch_size() const { return sub_batch_ * kernels::ThreadCount(); }

Tensor Network::Run(const Tensor& batch) {
  const int64_t images = batch.size(0);
  const int64_t preferred = preferred_batch_size();
  // The number of images in whole preferred batches, which fill a sub-batch on each thread.
  const int64_t filled = preferred > 0 ? images / preferred * preferred : 0;
  if (filled == images && filled > 1) return RunInThroughputMode(batch, sub_batch_);
  if (images < 2) return RunInLatencyMode(batch);
  Tensors outputs;
  if (filled > 0) outputs.push_back(RunInThroughputMode(batch.Narrow(0, 0, filled), sub_batch_));
  for (int64_t i = filled; i < images; i++) {
    outputs.push_back(RunInLatencyMode(batch.Narrow(0, i, 1)));
  }
  return ConcatenateRows(outputs);
}

}  // namespace semisup::engine
