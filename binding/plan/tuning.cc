#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <utility>

#include "plan.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

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

// How often everything is measured; the first time, which packs weights, does not count.
constexpr int kFewestTurns = 2;
constexpr int kMostTurns = 4;

// The least duration of some work, in seconds.
template <class Work>
double Fastest(Work work) {
  constexpr double kEnoughSeconds = 0.3;
  const Stopwatch watch;
  double least = std::numeric_limits<double>::infinity();
  for (int turn = 0; turn <= kMostTurns; turn++) {
    if (turn > kFewestTurns && watch.seconds() > kEnoughSeconds) break;
    const Stopwatch lap;
    work();
    if (turn > 0) least = std::min(least, lap.seconds());
  }
  return least;
}

// The size of the parts that algorithms are chosen with: weights are read half as often as with
// one.
constexpr int64_t kTunedPart = 2;
constexpr double kWorthwhile = 1.02;
// How many times as fast a way must be to be worth weights of its own.
constexpr double kWorthMemory = 1.04;

}  // namespace

// Each way to do a convolution is measured within whole runs, where its weights have left the
// caches since the last, and on all threads where all have parts to do. Most others are done in
// their last way by then, as what comes before leaves the caches fuller or emptier. The runs take
// turns, so that a busy neighbour disturbs all of them.
std::string Plan::TuneSetting(const at::Tensor& input, Setting setting, double seconds) {
  constexpr size_t kGroups = 3;
  const Stopwatch watch;
  const int64_t threads = setting == Setting::kPart ? at::get_num_threads() : 1;
  std::vector<std::vector<Algorithm>> ways;
  size_t most_ways = 1;
  for (const auto* convolution : convolutions_) {
    ways.push_back(convolution->Ways());
    most_ways = std::max(most_ways, ways.back().size());
  }
  // Where there is no choice, nothing need be measured: in bfloat16 all is oneDNN's.
  if (most_ways == 1) return std::string(ways.size(), static_cast<char>(Algorithm::kDirect));
  Packed packed{setting, std::vector<at::Tensor>(steps_.size())};
  using Seconds = std::vector<std::map<Algorithm, double>>;
  std::vector<Seconds> least(threads, Seconds(convolutions_.size()));
  const auto run = [&](int64_t thread) {
    const ArenaScope scope(arena_.get());
    auto values = Start(input);
    size_t convolution = 0;
    for (size_t i = 0; i < steps_.size(); i++) {
      const Stopwatch lap;
      RunStep(i, values, packed);
      if (!steps_[i].convolution) continue;
      const auto algorithm = steps_[i].convolution->algorithm(setting);
      auto& best = least[thread][convolution++].try_emplace(algorithm, lap.seconds()).first->second;
      best = std::min(best, lap.seconds());
    }
  };
  const auto run_all = [&] {
    if (threads == 1) return run(0);
    at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
      const c10::InferenceMode inference;
      for (int64_t thread = begin; thread < end; thread++) run(thread);
    });
  };
  for (int turn = 0; turn <= kMostTurns; turn++) {
    if (turn > kFewestTurns && watch.seconds() > seconds) break;
    for (size_t pass = 0; pass < most_ways * kGroups; pass++) {
      for (size_t i = 0; i < convolutions_.size(); i++) {
        const bool is_tried = i % kGroups == pass % kGroups && pass / kGroups < ways[i].size();
        convolutions_[i]->Choose(setting, is_tried ? ways[i][pass / kGroups] : ways[i].back());
      }
      turn == 0 ? RunPacking(input, packed) : run_all();
    }
  }
  std::string letters;
  for (size_t i = 0; i < convolutions_.size(); i++) {
    const auto cost = [&](Algorithm algorithm) {
      double all = 0;
      for (const auto& times : least) all += times[i].at(algorithm);
      // One that has its weights already takes no more memory.
      const bool is_there =
          setting == Setting::kPart && algorithm == convolutions_[i]->algorithm(Setting::kAlone);
      return is_there ? all / kWorthMemory : all;
    };
    const auto best = *std::min_element(ways[i].begin(), ways[i].end(), [&](auto one, auto other) {
      return cost(one) < cost(other);
    });
    convolutions_[i]->Choose(setting, best);
    letters += static_cast<char>(best);
  }
  return letters;
}

std::pair<Choices, Measured> Plan::Tune(const at::Tensor& image, double seconds) {
  const Stopwatch watch;
  Choices choices;
  Measured measured;
  choices.alone = TuneSetting(image, Setting::kAlone, seconds / 2);
  measured.alone = 1000 * Fastest([&] { RunAlone(image); });
  const auto images = image.repeat({kTunedPart, 1, 1, 1});
  choices.part = TuneSetting(images, Setting::kPart, seconds / 2);
  double most = 0;
  for (const int64_t size : {kTunedPart, int64_t{1}, int64_t{4}}) {
    // Smaller parts take little time beside all before; larger ones do not.
    if (size > kTunedPart && watch.seconds() > seconds) break;
    const int64_t images = size * at::get_num_threads();
    const auto batch = image.repeat({images, 1, 1, 1});
    const double rate = static_cast<double>(images) / Fastest([&] { RunParts(batch, size); });
    measured.parts[size] = rate;
    if (rate < kWorthwhile * most) continue;
    most = rate;
    choices.part_size = size;
  }
  if (1000 / measured.alone > most) choices.part_size = 0;
  Choose(choices);
  return {choices, measured};
}

void Plan::Choose(const Choices& choices) {
  const auto choose = [](Convolution& convolution, Setting setting, char letter) {
    const auto algorithm = static_cast<Algorithm>(letter);
    const bool is_known = std::count(kAlgorithms.begin(), kAlgorithms.end(), algorithm) > 0;
    convolution.Choose(setting,
                       is_known && convolution.Takes(algorithm) ? algorithm : Algorithm::kDirect);
  };
  for (size_t i = 0; i < convolutions_.size(); i++) {
    auto& convolution = *convolutions_[i];
    if (i < choices.alone.size()) choose(convolution, Setting::kAlone, choices.alone[i]);
    if (i < choices.part.size()) choose(convolution, Setting::kPart, choices.part[i]);
    convolution.Trim();
  }
  part_size_ = choices.part_size;
  packed_.clear();
#ifdef __GLIBC__
  // The C library keeps what the weights were made of.
  malloc_trim(0);
#endif
}

}  // namespace semisup::plan
