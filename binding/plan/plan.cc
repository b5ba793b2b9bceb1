#include "plan.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/ir/constants.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <limits>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "graph.h"

namespace semisup::plan {
namespace {

c10::IValue Converted(c10::IValue value, at::ScalarType dtype) {
  if (!value.isTensor() || !value.toTensor().is_floating_point()) return value;
  return value.toTensor().to(dtype);
}

// Makes LibTorch run on this thread alone. Weights that oneDNN packs among threads of OpenMP are
// wrong where bytes have a zero point: it leaves out a sum.
class OneThread {
 public:
#ifdef _OPENMP
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }

 private:
  int before_;
#endif
};

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

// Of 1 to 2.5 the one of the least error in the logits of a ResNet-50 on photos.
constexpr double kHeadroom = 1.5;
// The size of the parts that algorithms are chosen with: weights are read half as often as with
// one.
constexpr int64_t kTunedPart = 2;
constexpr double kWorthwhile = 1.02;

// The nodes with the shapes of their constant tensors.
std::string Describe(const torch::jit::Graph& graph) {
  std::ostringstream text;
  for (const auto* value : graph.inputs()) text << value->debugName() << ';';
  for (const auto* node : graph.nodes()) {
    node->print(text, 0, nullptr, false, false, false, false);
    for (const auto* output : node->outputs()) {
      const auto constant = torch::jit::toIValue(output);
      if (constant && constant->isTensor()) text << constant->toTensor().sizes();
    }
    text << ';';
  }
  return std::move(text).str();
}

}  // namespace

Plan::Plan(const torch::jit::Module& module, const std::string& method, at::ScalarType dtype)
    : dtype_(dtype) {
  const auto graph = FrozenGraph(module, method);
  if (const auto reason = WhyUnplannable(*graph); !reason.empty()) throw Unplannable(reason);
  signature_ = Describe(*graph);
  const auto fused = FuseConvolutions(*graph);

  std::unordered_map<const torch::jit::Value*, int> slots;
  const auto slot = [&](const torch::jit::Value* value) {
    const auto [found, is_new] = slots.try_emplace(value, static_cast<int>(slots.size()));
    if (is_new) constants_.emplace_back();
    return found->second;
  };
  input_ = slot(graph->inputs()[1]);
  // What a fused convolution does as well is no step; it is found from its end.
  std::unordered_map<const torch::jit::Node*, bool> is_wanted;
  const auto want = [&](const torch::jit::Value* value) { is_wanted[value->node()] = true; };
  want(graph->outputs()[0]);
  for (auto node = graph->nodes().rbegin(); node != graph->nodes().rend(); ++node) {
    if (!is_wanted[*node]) continue;
    const auto convolution = fused.find(*node);
    if (convolution == fused.end()) {
      for (const auto* value : (*node)->inputs()) want(value);
      continue;
    }
    want(convolution->second.input);
    if (convolution->second.other) want(convolution->second.other);
  }
  for (auto* node : graph->nodes()) {
    if (!is_wanted[node]) continue;
    if (node->kind() == c10::prim::Constant) {
      constants_[slot(node->output())] = Converted(*torch::jit::toIValue(node->output()), dtype);
      continue;
    }
    Step step;
    if (const auto found = fused.find(node); found != fused.end()) {
      step.convolution = std::make_shared<Convolution>(found->second.spec, dtype);
      convolutions_.push_back(step.convolution.get());
      step.inputs.push_back(slot(found->second.input));
      if (found->second.other) step.inputs.push_back(slot(found->second.other));
    } else {
      step.operation = node->getOperation();
      step.pooling = AsMaxPool(node);
      for (const auto* value : node->inputs()) step.inputs.push_back(slot(value));
    }
    step.output = slot(node->output());
    steps_.push_back(std::move(step));
  }
  output_ = slot(graph->outputs()[0]);
  quantizations_.resize(constants_.size());
  std::vector<bool> is_used(constants_.size(), false);
  is_used[output_] = true;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    for (const int value : step->inputs) {
      if (is_used[value] || !constants_[value].isNone()) continue;
      is_used[value] = true;
      step->last_uses.push_back(value);
    }
  }
}

at::Tensor Plan::Take(const Step& step, Values& values, int value) {
  const auto& inputs = step.inputs;
  const auto& last = step.last_uses;
  const bool is_last = std::count(last.begin(), last.end(), value) > 0;
  const bool is_twice = std::count(inputs.begin(), inputs.end(), value) > 1;
  return is_last && !is_twice ? std::move(values[value]).toTensor() : values[value].toTensor();
}

at::Tensor Plan::TakeBytes(const Step& step, Values& values, int value) {
  auto tensor = Take(step, values, value);
  return tensor.scalar_type() == at::kByte ? tensor
                                           : plan::Quantize(tensor, *quantizations_[value]);
}

void Plan::RunConvolution(const Step& step, Values& values, Setting setting) {
  const auto take = [&](int value) {
    return step.quantized ? TakeBytes(step, values, value) : Take(step, values, value);
  };
  auto other = step.inputs.size() > 1 ? take(step.inputs[1]) : at::Tensor();
  const auto input = take(step.inputs[0]);
  values[step.output] = step.quantized ? step.quantized->Run(input, std::move(other), setting)
                                       : step.convolution->Run(input, std::move(other), setting);
}

void Plan::RunOperation(const Step& step, Values& values) {
  const auto are_bytes = [&](int value) {
    return quantizations_[value] && values[value].toTensor().scalar_type() == at::kByte;
  };
  if (step.pooling && are_bytes(step.inputs[0])) {
    values[step.output] = MaxPool(Take(step, values, step.inputs[0]), *step.pooling);
    return;
  }
  torch::jit::Stack stack;
  for (const int value : step.inputs) {
    if (are_bytes(value)) {
      stack.emplace_back(Dequantize(values[value].toTensor(), *quantizations_[value]));
    } else {
      stack.push_back(values[value]);
    }
  }
  for (const int value : step.last_uses) values[value] = {};
  step.operation(stack);
  values[step.output] = std::move(stack.back());
}

void Plan::RunStep(const Step& step, Values& values, Setting setting) {
  if (step.convolution || step.quantized) {
    RunConvolution(step, values, setting);
  } else {
    RunOperation(step, values);
  }
}

void Plan::Quantize(const at::Tensor& images) {
  struct Range {
    double least = 0;
    double most = 0;
  };
  // Of the extremes of each image the mean, because one odd image, or one odd pixel, should not
  // coarsen all; and room beyond, because what is cut off harms more than what is coarse.
  std::vector<Range> ranges(constants_.size());
  const auto observe = [&](int value, const at::Tensor& tensor) {
    if (!tensor.is_floating_point()) return;
    const auto rows = tensor.flatten(1);
    ranges[value] = {kHeadroom * rows.amin(1).mean().item<double>(),
                     kHeadroom * rows.amax(1).mean().item<double>()};
  };
  auto values = constants_;
  values[input_] = ToInput(images);
  ranges[input_] = {images.min().item<double>(), images.max().item<double>()};
  for (const auto& step : steps_) {
    if (step.convolution && step.inputs.size() > 1 &&
        step.convolution->Broadcasts(values[step.inputs[0]].toTensor(),
                                     values[step.inputs[1]].toTensor())) {
      throw Unplannable("it adds tensors of different shapes");
    }
    RunStep(step, values, Setting::kAlone);
    const auto& value = values[step.output];
    if (value.isTensor() && value.toTensor().dim() == 4) observe(step.output, value.toTensor());
  }
  const auto quantize = [&](int value) {
    auto& quantization = quantizations_[value];
    if (!quantization) {
      quantization = Quantization::Of(ranges[value].least, ranges[value].most);
    }
    return *quantization;
  };
  for (auto& step : steps_) {
    if (!step.convolution) {
      if (!step.pooling) continue;
      quantizations_[step.output] = quantizations_[step.inputs[0]];
      continue;
    }
    const auto input = quantize(step.inputs[0]);
    const auto other =
        step.inputs.size() > 1 ? std::make_optional(quantize(step.inputs[1])) : std::nullopt;
    step.quantized = std::make_shared<QuantizedConvolution>(step.convolution->spec(), input, other,
                                                            quantize(step.output));
    step.convolution.reset();
  }
  convolutions_.clear();
  is_quantized_ = true;
}

at::Tensor Plan::ToInput(const at::Tensor& input) const {
  return input.to(dtype_).contiguous(input.dim() == 4 ? at::MemoryFormat::ChannelsLast
                                                      : at::MemoryFormat::Contiguous);
}

at::Tensor Plan::RunAll(const at::Tensor& input, Setting setting) {
  const ArenaScope scope(arena_.get());
  auto values = constants_;
  values[input_] = ToInput(input);
  for (const auto& step : steps_) RunStep(step, values, setting);
  const auto output = values[output_].toTensor();
  const bool are_bytes = quantizations_[output_] && output.scalar_type() == at::kByte;
  const auto numbers = are_bytes ? Dequantize(output, *quantizations_[output_]) : output;
  return numbers.to(at::kFloat).contiguous();
}

void Plan::Prepare(const at::Tensor& part) {
  constexpr size_t kMostShapes = 64;
  const std::lock_guard lock(mutex_);
  if (prepared_.size() >= kMostShapes) prepared_.clear();
  if (!prepared_.insert(part.sizes().vec()).second) return;
  const OneThread one_thread;
  RunAll(part, Setting::kPart);
}

at::Tensor Plan::RunParts(const at::Tensor& input, int64_t size) {
  const auto parts = input.split(size);
  Prepare(parts[0]);
  std::vector<at::Tensor> outputs(parts.size());
  // Each thread takes the next part when it is done with one: a thread that a neighbour holds up
  // leaves the rest to the others.
  std::atomic<size_t> next{0};
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t begin, int64_t end) {
    const c10::InferenceMode inference;
    for (int64_t thread = begin; thread < end; thread++) {
      for (size_t i = next++; i < parts.size(); i = next++) {
        outputs[i] = RunAll(parts[i], Setting::kPart);
      }
    }
  });
  return at::cat(outputs);
}

at::Tensor Plan::Run(const at::Tensor& input) {
  if (input.size(0) < 2) return RunAll(input, Setting::kAlone);
  const int64_t threads = at::get_num_threads();
  const int64_t whole = input.size(0) / (part_size_ * threads) * (part_size_ * threads);
  if (whole == input.size(0) || whole == 0) {
    return RunParts(input, whole == 0 ? 1 : part_size_);
  }
  return at::cat({RunParts(input.narrow(0, 0, whole), part_size_),
                  RunParts(input.narrow(0, whole, input.size(0) - whole), 1)});
}

std::string Plan::TuneSetting(const at::Tensor& input, Setting setting) {
  const ArenaScope scope(arena_.get());
  auto values = constants_;
  values[input_] = ToInput(input);
  std::string letters;
  for (const auto& step : steps_) {
    auto* convolution = step.convolution.get();
    if (convolution && convolution->Takes(Algorithm::kWinograd)) {
      constexpr std::array kWays{Algorithm::kDirect, Algorithm::kWinograd};
      const auto seconds = Fastest(kWays.size(), [&](size_t way) {
        auto copy = values;
        convolution->Choose(setting, kWays[way]);
        RunStep(step, copy, setting);
      });
      convolution->Choose(setting, kWays[seconds[1] < seconds[0] ? 1 : 0]);
    }
    if (convolution) letters += static_cast<char>(convolution->algorithm(setting));
    RunStep(step, values, setting);
  }
  return letters;
}

std::pair<Choices, Measured> Plan::Tune(const at::Tensor& image, double seconds) {
  const Stopwatch watch;
  Choices choices;
  Measured measured;
  choices.alone = TuneSetting(image, Setting::kAlone);
  measured.alone = 1000 * Fastest([&] { RunAll(image, Setting::kAlone); });
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
}

}  // namespace semisup::plan
