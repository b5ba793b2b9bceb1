#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>
#include <utility>

#include "plan.h"

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
constexpr int kMostTurns = 6;

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

}  // namespace

// Each way to do a convolution is measured within whole runs, where its weights have left the
// caches since the last, and on all threads where all have parts to do. The ways take turns, so
// that a busy neighbour disturbs all of them.
std::string Plan::TuneSetting(const at::Tensor& input, Setting setting, double seconds) {
  const Stopwatch watch;
  const int64_t threads = setting == Setting::kPart ? at::get_num_threads() : 1;
  std::vector<std::vector<Algorithm>> ways;
  size_t most_ways = 1;
  for (const auto* convolution : convolutions_) {
    ways.push_back(convolution->Ways());
    most_ways = std::max(most_ways, ways.back().size());
  }
  Packed packed{setting, std::vector<at::Tensor>(steps_.size())};
  using Seconds = std::vector<std::vector<double>>;
  const auto infinity = std::numeric_limits<double>::infinity();
  std::vector<Seconds> least(threads, Seconds(most_ways, std::vector(steps_.size(), infinity)));
  for (int turn = 0; turn <= kMostTurns; turn++) {
    if (turn > kFewestTurns && watch.seconds() > seconds) break;
    for (size_t way = 0; way < most_ways; way++) {
      for (size_t i = 0; i < convolutions_.size(); i++) {
        convolutions_[i]->Choose(setting, ways[i][std::min(way, ways[i].size() - 1)]);
      }
      if (turn == 0) {
        RunPacking(input, packed);
        continue;
      }
      const auto run = [&](int64_t thread) {
        const ArenaScope scope(arena_.get());
        auto values = Start(input);
        for (size_t i = 0; i < steps_.size(); i++) {
          const Stopwatch lap;
          RunStep(i, values, packed);
          auto& best = least[thread][way][i];
          best = std::min(best, lap.seconds());
        }
      };
      if (threads == 1) {
        run(0);
        continue;
      }
      at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
        const c10::InferenceMode inference;
        for (int64_t thread = begin; thread < end; thread++) run(thread);
      });
    }
  }
  std::string letters;
  size_t convolution = 0;
  for (size_t i = 0; i < steps_.size(); i++) {
    if (!steps_[i].convolution) continue;
    const auto& choices = ways[convolution];
    std::vector<double> sums(choices.size());
    for (size_t way = 0; way < choices.size(); way++) {
      for (const auto& times : least) sums[way] += times[way][i];
    }
    const auto best = std::min_element(sums.begin(), sums.end()) - sums.begin();
    convolutions_[convolution++]->Choose(setting, choices[best]);
    letters += static_cast<char>(choices[best]);
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
    if (most > 0 && watch.seconds() > seconds) break;
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
}

}  // namespace semisup::plan
