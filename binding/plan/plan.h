#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/network.h"
#include "engine/network_description.h"
#include "plan/algorithm.h"
#include "plan/build_steps.h"
#include "program/numerics.h"
#include "program/planned_method.h"

namespace semisup::plan {

// The result of tuning: one algorithm per convolution, in execution order, and the sub-batch size.
struct PlanChoices {
  std::vector<Algorithm> latency;
  std::vector<Algorithm> throughput;
  // Images per sub-batch; 0 if batches run fastest in latency mode, one image at a time.
  int64_t sub_batch = 1;
};

// The speed of a plan, measured while tuning.
struct Measurements {
  // Milliseconds per image in latency mode.
  double latency = 0;
  // Images per second on all threads in throughput mode, by sub-batch size.
  std::map<int64_t, double> throughput;
  // Otherwise other tasks disturbed the measurement, whose results mean nothing.
  bool were_quiet = true;
};

// A program for the CPU, run without TorchScript's interpreter. Run() is thread-safe; Quantize(),
// Tune() and ApplyChoices() must not run concurrently with it.
class Plan final : public PlannedMethod {
 public:
  // `precision`: float32, bfloat16, or int8, for which Quantize() must follow. Activations are
  // allocated from `arena`. Throws program::UnsupportedGraph.
  Plan(const torch::jit::Module& module, const std::string& method,
       program::ComputePrecision precision, std::shared_ptr<engine::Arena> arena);

  // Accepts float32 [n, c, h, w] on the CPU.
  bool Accepts(const at::Tensor& input) const override;
  std::vector<at::Tensor> Run(const at::Tensor& input, const OutputSelection& selected) override;
  int64_t preferred_batch_size() const override { return network_.preferred_batch_size(); }
  double tolerance() const override { return program::ToleranceOf(precision_); }

  // Quantizes the convolutions of a float32 plan to int8, calibrated on `images`. Call at most
  // once, before Tune(). Throws program::UnsupportedGraph.
  void Quantize(const at::Tensor& images);

  // Selects the fastest algorithms for inputs like `image` [1, c, h, w]. `seconds` is a target;
  // tuning may take a few times as long.
  std::pair<PlanChoices, Measurements> Tune(const at::Tensor& image, double seconds);
  void ApplyChoices(const PlanChoices& choices);
  // Makes kernels the only candidates, so that Describe() can follow. To be called before Tune()
  // and ApplyChoices(). Throws program::UnsupportedGraph.
  void ExcludeOneDnn();
  // The plan as data. Throws program::UnsupportedGraph if it has a step without a kernel.
  engine::NetworkDescription Describe() const;
  int64_t convolutions() const { return static_cast<int64_t>(convolutions_.size()); }
  // Plans with equal signatures can share choices.
  const std::string& signature() const { return signature_; }

 private:
  // Selects the fastest algorithm of each convolution.
  std::vector<Algorithm> TuneMode(const engine::Tensor& input, ExecutionMode mode, double seconds);

  const std::string method_;
  const program::ComputePrecision precision_;
  std::string signature_;
  bool returns_sequence_ = false;
  engine::Network network_;
  std::vector<std::unique_ptr<Convolution>> convolutions_;
  std::vector<engine::LinearStep*> linears_;
};

}  // namespace semisup::plan
