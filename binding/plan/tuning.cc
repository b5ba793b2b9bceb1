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

// Returns the shortest duration of `work`, in seconds.
template <class Work>
double MinSeconds(const Work& work) {
  constexpr double kMaxSeconds = 0.3;
  const Stopwatch watch;
  double best_seconds = std::numeric_limits<double>::infinity();
  for (int round = 0; round <= kMaxRounds; round++) {
    if (round > kMinRounds && watch.seconds() > kMaxSeconds) break;
    Executor::CheckShutdown();
    const Stopwatch lap;
    work();
    if (round > 0) best_seconds = std::min(best_seconds, lap.seconds());
  }
  return best_seconds;
}

// The sub-batch size for selecting algorithms. Two images halve the weight traffic per image.
constexpr int64_t kTunedSubBatch = 2;
// The minimum speedup for another sub-batch size, and for a second packed copy of the weights.
constexpr double kMinSubBatchSpeedup = 1.02;
constexpr double kMinPackingSpeedup = 1.04;

// By convolution: the shortest duration of each algorithm, in seconds.
using BestSeconds = std::vector<std::map<Algorithm, double>>;

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
  std::vector<BestSeconds> best_seconds(threads, BestSeconds(convolutions_.size()));
  const auto run = [&](int64_t thread) {
    Stopwatch lap;
    network_.RunSteps(input, states, [&](size_t step, const engine::Tensor&) {
      const double lap_seconds = std::exchange(lap, Stopwatch()).seconds();
      const auto found = indices.find(network_.steps().entries[step].step.get());
      if (found == indices.end()) return;
      const auto algorithm = convolutions_[found->second]->algorithm(mode);
      auto& best =
          best_seconds[thread][found->second].try_emplace(algorithm, lap_seconds).first->second;
      best = std::min(best, lap_seconds);
    });
  };
  const auto run_on_threads = [&] {
    if (threads == 1) return run(0);
    network_.ForEachThread(run);
  };
  // Only oneDNN packs weights in the first run.
  for (int round = has_states ? 0 : 1; round <= kMaxRounds; round++) {
    if (round > kMinRounds && watch.seconds() > seconds) break;
    for (size_t pass = 0; pass < most_candidates * kInterleave; pass++) {
      Executor::CheckShutdown();
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
      for (const auto& times : best_seconds) sum += times[i].at(algorithm);
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
  measured.latency = 1000 * MinSeconds([&] { network_.RunInLatencyMode(one); });
  choices.throughput = TuneMode(repeated(kTunedSubBatch), ExecutionMode::kThroughput, seconds / 2);
  double best_rate = 0;
  for (const int64_t size : {kTunedSubBatch, int64_t{1}, int64_t{4}}) {
    // Larger sub-batches are measured only if time is left.
    if (size > kTunedSubBatch && watch.seconds() > seconds) break;
    const int64_t count = size * kernels::ThreadCount();
    const auto batch = repeated(count);
    const double rate =
        static_cast<double>(count) / MinSeconds([&] { network_.RunInThroughputMode(batch, size); });
    measured.throughput[size] = rate;
    if (rate < kMinSubBatchSpeedup * best_rate) continue;
    best_rate = rate;
    choices.sub_batch = size;
  }
  if (1000 / measured.latency > best_rate) choices.sub_batch = 0;
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
