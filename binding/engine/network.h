#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/arena.h"
#include "engine/step.h"

namespace semisup::engine {

// A network as a list of steps, which maps a batch of images [n, c, h, w] to one or more tensors
// with a row for each image, each image independently of the others.
struct Steps {
  struct Entry {
    StepValues values;
    std::unique_ptr<Step> step;
  };

  std::vector<Entry> entries;
  // The number of values, and the indices of those of the network.
  int values = 0;
  int input = 0;
  std::vector<int> outputs;
};

// Indices of a network's outputs, in the order in which they are returned; empty for all.
using OutputSelection = std::vector<size_t>;
// The indices that a selection stands for, of `count` outputs. Throws std::invalid_argument for one
// that does not exist.
OutputSelection SelectedIndices(const OutputSelection& selected, size_t count);

// The states of the steps for inputs of one shape in one mode.
struct StepStates {
  ExecutionMode mode;
  std::vector<StepState> states;
};

// Runs a network. Run() is thread-safe; what changes the steps must not run concurrently with it.
class Network {
 public:
  // Called with the index of a step and its output.
  using Observer = std::function<void(size_t step, const Tensor& output)>;
  // Calls its argument in each thread of a parallel region.
  using ThreadScope = std::function<void(const std::function<void()>&)>;

  // Tensors are allocated from `arena`. `thread_scope`, which may be empty, prepares a thread for
  // the steps, and the first run in throughput mode for a shape.
  Network(std::shared_ptr<Arena> arena, ThreadScope thread_scope)
      : arena_(std::move(arena)), thread_scope_(std::move(thread_scope)) {}

  Steps& steps() { return steps_; }
  const Steps& steps() const { return steps_; }
  // Images per sub-batch in throughput mode; 0 if batches run fastest one image at a time.
  void set_sub_batch(int64_t images) { sub_batch_ = images; }
  int64_t sub_batch() const { return sub_batch_; }
  // The batch size of the highest throughput; 0 if batching does not help.
  int64_t preferred_batch_size() const;

  // Returns the selected outputs in float32, dense. Steps after the last one that they need do not
  // run.
  Tensors Run(const Tensor& batch, const OutputSelection& selected = {});
  // One image on all threads.
  Tensors RunInLatencyMode(const Tensor& image, const OutputSelection& selected = {});
  // One sub-batch at a time on each thread.
  Tensors RunInThroughputMode(const Tensor& batch, int64_t sub_batch,
                              const OutputSelection& selected = {});

  // Runs the steps on the calling thread, as a part of a run in the mode of `states`.
  Tensors RunSteps(const Tensor& input, StepStates& states, const OutputSelection& selected = {},
                   const Observer& observer = {}) const;
  StepStates EmptyStates(ExecutionMode mode) const {
    return {mode, std::vector<StepState>(steps_.entries.size())};
  }
  // Sets the states in a run on the mode's number of threads.
  void Initialize(const Tensor& input, StepStates& states) const;
  // Calls run(thread) in parallel for each thread, as throughput mode does.
  void ForEachThread(const std::function<void(int64_t)>& run) const;
  // Forgets the states, after the steps have changed.
  void ForgetStates() { states_.clear(); }

 private:
  std::shared_ptr<StepStates> StatesFor(const Tensor& input, ExecutionMode mode);

  std::shared_ptr<Arena> arena_;
  ThreadScope thread_scope_;
  Steps steps_;
  int64_t sub_batch_ = 1;
  std::mutex mutex_;
  std::map<std::pair<ExecutionMode, Sizes>, std::shared_ptr<StepStates>> states_;
};

}  // namespace semisup::engine
