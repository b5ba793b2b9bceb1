#include "engine/network.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <stdexcept>
#include <string>

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

std::vector<int> SelectedValues(const Steps& steps, const OutputSelection& selected) {
  std::vector<int> values;
  for (const size_t index : SelectedIndices(selected, steps.outputs.size())) {
    values.push_back(steps.outputs[index]);
  }
  return values;
}

// The number of steps up to the last one that computes one of the values.
size_t CountNeededSteps(const Steps& steps, const std::vector<int>& values) {
  size_t count = steps.entries.size();
  while (count > 0 && Count(values, steps.entries[count - 1].values.output) == 0) count--;
  return count;
}

// Concatenates each output of consecutive parts of a batch.
Tensors ConcatenateOutputs(const std::vector<Tensors>& parts) {
  if (parts.size() == 1) return parts[0];
  Tensors outputs;
  for (size_t i = 0; i < parts[0].size(); i++) {
    Tensors rows;
    for (const auto& part : parts) rows.push_back(part[i]);
    outputs.push_back(ConcatenateRows(rows));
  }
  return outputs;
}

}  // namespace

OutputSelection SelectedIndices(const OutputSelection& selected, size_t count) {
  auto indices = selected;
  if (indices.empty()) {
    indices.resize(count);
    std::iota(indices.begin(), indices.end(), 0);
  }
  for (const size_t index : indices) {
    if (index < count) continue;
    throw std::invalid_argument("It has " + std::to_string(count) + " outputs, and none at index " +
                                std::to_string(index) + ".");
  }
  return indices;
}

Tensors Network::RunSteps(const Tensor& input, StepStates& states, const OutputSelection& selected,
                          const Observer& observer) const {
  const ArenaScope scope(arena_.get());
  Frame frame(steps_);
  frame[steps_.input] = input;
  const auto values = SelectedValues(steps_, selected);
  const size_t count = CountNeededSteps(steps_, values);
  for (size_t i = 0; i < count; i++) {
    const auto& entry = steps_.entries[i];
    auto output = entry.step->Run(frame.Take(entry.values), states.mode, states.states[i]);
    if (observer) observer(i, output);
    frame[entry.values.output] = std::move(output);
  }
  Tensors outputs;
  for (const int value : values) {
    outputs.push_back(ToFloat32(frame[value]).Dense(Layout::kNchw));
  }
  return outputs;
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

Tensors Network::RunInLatencyMode(const Tensor& image, const OutputSelection& selected) {
  return RunSteps(image, *StatesFor(image, ExecutionMode::kLatency), selected);
}

Tensors Network::RunInThroughputMode(const Tensor& batch, int64_t sub_batch,
                                     const OutputSelection& selected) {
  const int64_t images = batch.size(0);
  Tensors inputs;
  for (int64_t i = 0; i < images; i += sub_batch) {
    inputs.push_back(batch.Narrow(0, i, std::min(sub_batch, images - i)));
  }
  const auto states = StatesFor(inputs[0], ExecutionMode::kThroughput);
  std::vector<Tensors> outputs(inputs.size());
  // Threads take the next sub-batch as they become free, so a thread that is descheduled delays
  // only its current sub-batch.
  std::atomic<size_t> next{0};
  ForEachThread([&](int64_t) {
    for (size_t i = next++; i < inputs.size(); i = next++) {
      outputs[i] = RunSteps(inputs[i], *states, selected);
    }
  });
  return ConcatenateOutputs(outputs);
}

int64_t Network::preferred_batch_size() const { return sub_batch_ * kernels::ThreadCount(); }

Tensors Network::Run(const Tensor& batch, const OutputSelection& selected) {
  const int64_t images = batch.size(0);
  const int64_t preferred = preferred_batch_size();
  // The number of images in whole preferred batches, which fill a sub-batch on each thread.
  const int64_t filled = preferred > 0 ? images / preferred * preferred : 0;
  if (filled == images && filled > 1) return RunInThroughputMode(batch, sub_batch_, selected);
  if (images < 2) return RunInLatencyMode(batch, selected);
  std::vector<Tensors> outputs;
  if (filled > 0) {
    outputs.push_back(RunInThroughputMode(batch.Narrow(0, 0, filled), sub_batch_, selected));
  }
  for (int64_t i = filled; i < images; i++) {
    outputs.push_back(RunInLatencyMode(batch.Narrow(0, i, 1), selected));
  }
  return ConcatenateOutputs(outputs);
}

}  // namespace semisup::engine
