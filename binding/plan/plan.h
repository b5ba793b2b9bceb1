#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arena.h"
#include "bytes.h"
#include "convolution.h"
#include "linear.h"
#include "pooling.h"
#include "program.h"
#include "program/planned_method.h"

namespace semisup::plan {

// What tuning found: for each convolution an algorithm, as letters in order.
struct Choices {
  // For one image with all threads.
  std::string alone;
  // For a part of a batch on each thread.
  std::string part;
  // How many images such a part has; 0 if a batch is best done an image at a time, with all
  // threads.
  int64_t part_size = 1;
};

// What was measured for it.
struct Measured {
  // Milliseconds that one image takes with all threads.
  double alone = 0;
  // Images a second of all threads, by the size of the parts.
  std::map<int64_t, double> parts;
};

// A method of a frozen module as a list of steps, run without TorchScript's interpreter. Any number
// of threads may run it at a time.
class Plan final : public PlannedMethod {
 public:
  // Of float32 or bfloat16; activations lie in the arena. Throws Unplannable.
  Plan(const torch::jit::Module& module, const std::string& method, at::ScalarType dtype,
       std::shared_ptr<Arena> arena);

  // For float32 [n, ...].
  bool Accepts(const at::Tensor& input) const override;
  at::Tensor Run(const at::Tensor& input) override;

  // Makes convolutions those of bytes, by the ranges that values have on a batch of images. Of a
  // float32 plan, once, before it is tuned or run by others.
  void Quantize(const at::Tensor& images);

  // Chooses by measurement on an input like `image` [1, ...], in a few times `seconds` at most.
  std::pair<Choices, Measured> Tune(const at::Tensor& image, double seconds);
  void Choose(const Choices& choices);
  // A part on each thread.
  int64_t preferred_batch_size() const override;
  double tolerance() const override;
  // What tells a plan from those that other choices are right for: the graph without its numbers.
  const std::string& signature() const { return signature_; }

 private:
  struct Step {
    std::unique_ptr<Convolution> convolution;
    std::unique_ptr<Linear> linear;
    std::function<void(torch::jit::Stack&)> operation;
    std::vector<int> inputs;
    int output;
    // What it is, where it is a maximum, or a mean of all pixels.
    std::optional<Pooling> pooling;
    bool is_mean = false;
    // Which values no later step needs.
    std::vector<int> last_uses;
  };

  // Weights in oneDNN's order, by step. They hold for inputs of one shape in one setting, and are
  // made by the first run with them, before several threads share them.
  struct Packed {
    Setting setting;
    std::vector<at::Tensor> weights;
  };

  // Lets the convolution before a maximum that alone needs it find this as well, where it can.
  bool FoldPooling(const Step& step);
  Values Start(const at::Tensor& input) const;
  at::Tensor RunSteps(const at::Tensor& input, Packed& packed) const;
  at::Tensor RunAlone(const at::Tensor& input);
  at::Tensor RunParts(const at::Tensor& input, int64_t size);
  std::shared_ptr<Packed> PackedFor(const at::Tensor& input, Setting setting);
  void RunStep(size_t index, Values& values, Packed& packed) const;
  bool AreBytes(const Values& values, int value) const;
  void RunPooling(const Step& step, Values& values) const;
  void RunOperation(const Step& step, Values& values) const;
  // A value, given up where no later step needs it.
  static at::Tensor Take(const Step& step, Values& values, int value);
  at::Tensor TakeBytes(const Step& step, Values& values, int value) const;
  // A first run, alone, as the setting will have it.
  void RunPacking(const at::Tensor& input, Packed& packed) const;
  // Chooses for each convolution the fastest algorithm, and tells all.
  std::string TuneSetting(const at::Tensor& input, Setting setting, double seconds);

  at::ScalarType dtype_;
  std::string signature_;
  bool is_quantized_ = false;
  std::vector<Step> steps_;
  std::vector<Convolution*> convolutions_;
  Values constants_;
  // By value: how it is kept as bytes, where a convolution takes or gives it.
  std::vector<std::optional<Quantization>> quantizations_;
  int input_ = 0;
  int output_ = 0;
  int64_t part_size_ = 1;
  std::mutex mutex_;
  std::map<std::pair<Setting, std::vector<int64_t>>, std::shared_ptr<Packed>> packed_;
  std::shared_ptr<Arena> arena_;
};

}  // namespace semisup::plan
