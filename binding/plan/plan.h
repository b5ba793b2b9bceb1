#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plan/algorithm.h"
#include "plan/arena.h"
#include "plan/convolution.h"
#include "plan/kernel_step.h"
#include "plan/linear.h"
#include "plan/quantization.h"
#include "program/numerics.h"
#include "program/planned_method.h"
#include "program/program.h"

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
};

// A program for the CPU, run without TorchScript's interpreter. Run() is thread-safe; Quantize(),
// Tune() and ApplyChoices() must not run concurrently with it.
class Plan final : public PlannedMethod {
 public:
  // `precision`: float32, bfloat16, or int8, for which Quantize() must follow. Activations are
  // allocated from `arena`. Throws program::UnsupportedGraph.
  Plan(const torch::jit::Module& module, const std::string& method,
       program::ComputePrecision precision, std::shared_ptr<Arena> arena);

  // Accepts float32 [n, c, h, w] on the CPU.
  bool Accepts(const at::Tensor& input) const override;
  at::Tensor Run(const at::Tensor& input) override;
  int64_t preferred_batch_size() const override;
  double tolerance() const override;

  // Quantizes the convolutions of a float32 plan to int8, calibrated on `images`. Call at most
  // once, before Tune(). Throws program::UnsupportedGraph.
  void Quantize(const at::Tensor& images);

  // Selects the fastest algorithms for inputs like `image` [1, c, h, w]. `seconds` is a target;
  // tuning may take a few times as long.
  std::pair<PlanChoices, Measurements> Tune(const at::Tensor& image, double seconds);
  void ApplyChoices(const PlanChoices& choices);
  // Plans with equal signatures can share choices.
  const std::string& signature() const { return signature_; }

 private:
  // Either `convolution` or `op` is set. At most one of the others is set, and replaces `op` where
  // it supports the inputs.
  struct PlanStep {
    program::StepValues values;
    std::unique_ptr<Convolution> convolution;
    program::Operator op;
    std::unique_ptr<Linear> linear;
    std::optional<kernels::MaxPool> max_pool;
    std::optional<program::GlobalAveragePool> global_average_pool;
    // Its inputs are those that are not constants.
    std::unique_ptr<KernelStep> kernel;
    std::vector<size_t> variable_inputs;
  };

  // oneDNN's packed weights, by step, for inputs of one shape in one mode. oneDNN packs them in the
  // first run, which must end before threads share them.
  struct PackedWeights {
    ExecutionMode mode;
    std::vector<at::Tensor> weights;
  };

  PlanStep MakeStep(program::Step step) const;
  // The previous step, if `step` is the only use of its output.
  PlanStep* PreviousOf(const program::StepValues& values);
  // Fuses max pooling into the previous step, if that is a convolution.
  bool FuseMaxPool(const PlanStep& step);
  // Fuses an activation into the previous step.
  bool FuseActivation(const program::Step& step);

  program::Frame MakeFrame(const at::Tensor& input) const;
  void RunStep(size_t index, program::Frame& frame, PackedWeights& packed) const;
  void RunConvolution(size_t index, program::Frame& frame, PackedWeights& packed) const;
  void RunPooling(const PlanStep& step, program::Frame& frame) const;
  // Returns whether the step's kernel supports its inputs.
  bool RunKernel(const PlanStep& step, program::Frame& frame) const;
  void RunOperator(const PlanStep& step, program::Frame& frame) const;
  at::Tensor RunSteps(const at::Tensor& input, PackedWeights& packed) const;
  // One image on all threads.
  at::Tensor RunInLatencyMode(const at::Tensor& image);
  // One sub-batch at a time on each thread.
  at::Tensor RunInThroughputMode(const at::Tensor& batch, int64_t sub_batch);

  PackedWeights EmptyPackedWeights(ExecutionMode mode) const;
  std::shared_ptr<PackedWeights> FindOrPackWeights(const at::Tensor& input, ExecutionMode mode);
  // Packs the weights in a run on the mode's number of threads, which determines oneDNN's layout.
  void Pack(const at::Tensor& input, PackedWeights& packed) const;

  bool is_int8() const { return precision_ == program::ComputePrecision::kInt8; }
  // Whether a value of the frame is quantized.
  bool IsQuantized(const program::Frame& frame, int value) const;
  // Takes an input from the frame, and quantizes it if needed.
  at::Tensor TakeQuantized(const PlanStep& step, program::Frame& frame, size_t input) const;

  // Selects the fastest algorithm of each convolution.
  std::vector<Algorithm> TuneMode(const at::Tensor& input, ExecutionMode mode, double seconds);

  program::ComputePrecision precision_;
  std::string signature_;
  std::vector<PlanStep> steps_;
  std::vector<Convolution*> convolutions_;
  program::Values constants_;
  // By value index; set for the inputs and outputs of int8 convolutions.
  std::vector<std::optional<Quantization>> quantizations_;
  // Indices into the frame.
  int input_value_ = 0;
  int output_value_ = 0;
  int64_t sub_batch_ = 1;
  std::mutex mutex_;
  std::map<std::pair<ExecutionMode, std::vector<int64_t>>, std::shared_ptr<PackedWeights>> packed_;
  std::shared_ptr<Arena> arena_;
};

}  // namespace semisup::plan
