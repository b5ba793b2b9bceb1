#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

#include "one_thread.h"
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

// The least duration of each of several ways to do a thing, in seconds. They take turns, so that a
// busy neighbour disturbs all of them; the first turn, which packs weights, does not count.
template <class Work>
std::vector<double> Fastest(size_t ways, Work work) {
  constexpr int kTurns = 5;
  constexpr int kFewest = 2;
  constexpr double kEnoughSeconds = 0.3;
  const Stopwatch watch;
  std::vector<double> least(ways, std::numeric_limits<double>::infinity());
  for (int turn = 0; turn <= kTurns; turn++) {
    if (turn > kFewest && watch.seconds() > kEnoughSeconds) break;
    for (size_t way = 0; way < ways; way++) {
      const Stopwatch lap;
      work(way);
      if (turn > 0) least[way] = std::min(least[way], lap.seconds());
    }
  }
  return least;
}

template <class Work>
double Fastest(Work work) {
  return Fastest(1, [&](size_t) { work(); })[0];
}

// The size of the parts that algorithms are chosen with: weights are read half as often as with
// one.
constexpr int64_t kTunedPart = 2;
constexpr double kWorthwhile = 1.02;

}  // namespace

std::string Plan::TuneSetting(const at::Tensor& input, Setting setting) {
  const ArenaScope scope(arena_.get());
  auto values = Start(input);
  Packed packed{setting, std::vector<at::Tensor>(steps_.size())};
  std::string letters;
  for (size_t i = 0; i < steps_.size(); i++) {
    auto* convolution = steps_[i].convolution.get();
    if (convolution && convolution->Takes(Algorithm::kWinograd)) {
      constexpr std::array kWays{Algorithm::kDirect, Algorithm::kWinograd};
      const auto seconds = Fastest(kWays.size(), [&](size_t way) {
        auto copy = values;
        convolution->Choose(setting, kWays[way]);
        RunStep(i, copy, packed);
      });
      convolution->Choose(setting, kWays[seconds[1] < seconds[0] ? 1 : 0]);
    }
    if (convolution) letters += static_cast<char>(convolution->algorithm(setting));
    RunStep(i, values, packed);
  }
  return letters;
}

std::pair<Choices, Measured> Plan::Tune(const at::Tensor& image, double seconds) {
  const Stopwatch watch;
  Choices choices;
  Measured measured;
  choices.alone = TuneSetting(image, Setting::kAlone);
  measured.alone = 1000 * Fastest([&] { RunAlone(image); });
  {
    const OneThread one_thread;
    choices.part = TuneSetting(image.repeat({kTunedPart, 1, 1, 1}), Setting::kPart);
  }
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
  Choose(choices);
  return {choices, measured};
}

void Plan::Choose(const Choices& choices) {
  const auto choose = [](Convolution& convolution, Setting setting, char letter) {
    const auto algorithm = static_cast<Algorithm>(letter);
    const bool is_known = algorithm == Algorithm::kWinograd && convolution.Takes(algorithm);
    convolution.Choose(setting, is_known ? algorithm : Algorithm::kDirect);
  };
  for (size_t i = 0; i < convolutions_.size(); i++) {
    auto& convolution = *convolutions_[i];
    if (i < choices.alone.size()) choose(convolution, Setting::kAlone, choices.alone[i]);
    if (i < choices.part.size()) choose(convolution, Setting::kPart, choices.part[i]);
    convolution.Trim();
  }
  part_size_ = std::max<int64_t>(1, choices.part_size);
  packed_.clear();
}

}  // namespace semisup::plan
