#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <utility>

#include "kernels/parallel.h"
#include "plan/plan.h"
#include "plan/torch_tensor.h"
#include "runtime/executor.h"
#include "runtime/heap.h"
#include "runtime/quiet_time.h"

namespace semisup::plan {
namespace {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

// The number of timed rounds, after an untimed one that packs the weights.
constexpr int kMinRounds = 2;
constexpr int kMaxRounds = 4;

// The shortest duration of some work, in seconds.
struct Timing {
  double seconds = std::numeric_limits<double>::infinity();
  bool was_quiet = false;

  // Only quiet measurements count, once there is one.
  void Add(double duration, bool is_quiet) {
    if (is_quiet < was_quiet) return;
    seconds = is_quiet > was_quiet ? duration : std::min(seconds, duration);
    was_quiet = is_quiet;
  }
};

// Returns the shortest duration of `work`.
template <class Work>
Timing MinTiming(const Work& work) {
  constexpr double kMaxSeconds = 0.3;
  const Stopwatch watch;
  QuietTime quiet;
  Timing best;
  for (int round = 0; round <= kMaxRounds; round++) {
    if (round > kMinRounds && watch.seconds() > kMaxSeconds && best.was_quiet) break;
    Executor::CheckCanceled();
    const auto mark = quiet.Await();
    const Stopwatch lap;
    work();
    if (round > 0) best.Add(lap.seconds(), quiet.HasLasted(mark));
  }
  return best;
}

// The sub-batch size for selecting algorithms. Two images halve the weight traffic per image.
constexpr int64_t kTunedSubBatch = 2;
// The minimum speedup for another sub-batch size, and for a second packed copy of the weights.
constexpr double kMinSubBatchSpeedup = 1.02;
constexpr double kMinPackingSpeedup = 1.04;

// By convolution: the duration of each algorithm.
using Timings = std::vector<std::map<Algorithm, Timing>>;

bool WereQuiet(const std::vector<Timings>& threads) {
  for (const auto& timings : threads) {
    for (const auto& algorithms : timings) {
      for (const auto& [algorithm, timing] : algorithms) {
        if (!timing.was_quiet) return false;
      }
    }
  }
  return true;
}

// In each run, only every third convolution tries an algorithm.
constexpr size_t kInterleave = 3;

}  // namespace

// Times each algorithm inside full forward passes, so that its weights are as cold as in
// production; in throughput mode on all threads at once. While an algorithm is tried for every
// third convolution, the others run their last candidate, so that the layers that precede it, and
// with them the state of the caches, stay mostly the same. Algorithms alternate between runs, so
// that load from other processes affects all candidates equally.
std::vector<Algorithm> Plan::TuneMode(const engine::Tensor& input, ExecutionMode mode,
                                      double seconds) {
  const Stopwatch watch;
  const int64_t threads = mode == ExecutionMode::kThroughput ? kernels::ThreadCount() : 1;
  std::vector<std::vector<Algorithm>> candidates;
  std::map<const engine::Step*, size_t> indices;
  size_t most_candidates = 1;
  bool has_states = false;
  for (const auto& convolution : convolutions_) {
    indices[&convolution->step()] = candidates.size();
    candidates.push_back(convolution->Candidates());
    const auto& algorithms = candidates.back();
    most_candidates = std::max(most_candidates, algorithms.size());
    has_states |= std::count(algorithms.begin(), algorithms.end(), Algorithm::kOneDnn) > 0;
  }
  if (most_candidates == 1) {
    std::vector<Algorithm> only;
    for (const auto& one : candidates) only.push_back(one.front());
    return only;
  }
  auto states = network_.EmptyStates(mode);
  QuietTime quiet;
  std::vector<Timings> timings(threads, Timings(convolutions_.size()));
  const auto run = [&](int64_t thread) {
    auto mark = quiet.Await();
    Stopwatch lap;
    network_.RunSteps(input, states, {}, [&](size_t step, const engine::Tensor&) {
      const double seconds_of_step = lap.seconds();
      const bool is_quiet = quiet.HasLasted(mark);
      const auto found = indices.find(network_.steps().entries[step].step.get());
      if (found != indices.end()) {
        const auto algorithm = convolutions_[found->second]->algorithm(mode);
        timings[thread][found->second][algorithm].Add(seconds_of_step, is_quiet);
      }
      mark = quiet.Await();
      lap = Stopwatch();
    });
  };
  const auto run_on_threads = [&] {
    if (threads == 1) return run(0);
    network_.ForEachThread(run);
  };
  // Only oneDNN packs weights in the first run.
  for (int round = has_states ? 0 : 1; round <= kMaxRounds; round++) {
    if (round > kMinRounds && watch.seconds() > seconds && WereQuiet(timings)) break;
    for (size_t pass = 0; pass < most_candidates * kInterleave; pass++) {
      Executor::CheckCanceled();
      for (size_t i = 0; i < convolutions_.size(); i++) {
        const bool is_tried =
            i % kInterleave == pass % kInterleave && pass / kInterleave < candidates[i].size();
        convolutions_[i]->Select(
            mode, is_tried ? candidates[i][pass / kInterleave] : candidates[i].back());
      }
      if (round == 0) {
        network_.Initialize(input, states);
      } else {
        run_on_threads();
      }
    }
  }
  std::vector<Algorithm> selected;
  for (size_t i = 0; i < convolutions_.size(); i++) {
    const auto cost = [&](Algorithm algorithm) {
      double sum = 0;
      for (const auto& times : timings) sum += times[i].at(algorithm).seconds;
      // Weights that are already packed for latency mode cost no additional memory.
      const bool is_packed = mode == ExecutionMode::kThroughput &&
                             algorithm == convolutions_[i]->algorithm(ExecutionMode::kLatency);
      return is_packed ? sum / kMinPackingSpeedup : sum;
    };
    const auto best =
        *std::min_element(candidates[i].begin(), candidates[i].end(),
                          [&](Algorithm a, Algorithm b) { return cost(a) < cost(b); });
    convolutions_[i]->Select(mode, best);
    selected.push_back(best);
  }
  return selected;
}

std::pair<PlanChoices, Measurements> Plan::Tune(const at::Tensor& image, double seconds) {
  const Stopwatch watch;
  PlanChoices choices;
  Measurements measured;
  const auto repeated = [&](int64_t count) { return FromTorch(image.repeat({count, 1, 1, 1})); };
  const auto one = FromTorch(image);
  choices.latency = TuneMode(one, ExecutionMode::kLatency, seconds / 2);
  const auto latency = MinTiming([&] { network_.RunInLatencyMode(one); });
  measured.latency = 1000 * latency.seconds;
  measured.were_quiet = latency.was_quiet;
  choices.throughput = TuneMode(repeated(kTunedSubBatch), ExecutionMode::kThroughput, seconds / 2);
  double best_rate = 0;
  for (const int64_t size : {kTunedSubBatch, int64_t{1}, int64_t{4}}) {
    // Larger sub-batches are measured only if time is left.
    if (size > kTunedSubBatch && watch.seconds() > seconds) break;
    const int64_t count = size * kernels::ThreadCount();
    const auto batch = repeated(count);
    const auto timing = MinTiming([&] { network_.RunInThroughputMode(batch, size); });
    const double rate = static_cast<double>(count) / timing.seconds;
    measured.throughput[size] = rate;
    measured.were_quiet &= timing.was_quiet;
    if (rate < kMinSubBatchSpeedup * best_rate) continue;
    best_rate = rate;
    choices.sub_batch = size;
  }
  if (1000 / measured.latency > best_rate) choices.sub_batch = 0;
  if (!measured.were_quiet) choices.sub_batch = kTunedSubBatch;
  ApplyChoices(choices);
  return {choices, measured};
}

void Plan::ApplyChoices(const PlanChoices& choices) {
  const auto select = [](Convolution& convolution, ExecutionMode mode, Algorithm algorithm) {
    const auto candidates = convolution.Candidates();
    const bool can_select = std::count(candidates.begin(), candidates.end(), algorithm) > 0;
    convolution.Select(mode, can_select ? algorithm : candidates.front());
  };
  for (size_t i = 0; i < convolutions_.size(); i++) {
    auto& convolution = *convolutions_[i];
    if (i < choices.latency.size()) {
      select(convolution, ExecutionMode::kLatency, choices.latency[i]);
    }
    if (i < choices.throughput.size()) {
      select(convolution, ExecutionMode::kThroughput, choices.throughput[i]);
    }
    convolution.ReleaseUnselected();
  }
  network_.set_sub_batch(choices.sub_batch);
  network_.ForgetStates();
  ReturnFreedMemory();
}

}  // namespace semisup::plan
