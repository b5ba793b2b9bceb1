#include "plan/plan.h"

#include <c10/core/InferenceMode.h>

#include <utility>

#include "engine/make_network.h"
#include "kernels/simd_kernels.h"
#include "plan/operator_step.h"
#include "plan/single_thread.h"
#include "plan/torch_tensor.h"

namespace semisup::plan {
namespace {

// What LibTorch and oneDNN need in each thread of a parallel region.
void RunOnThread(const std::function<void()>& run) {
  const c10::InferenceMode inference;
  const SingleThreadScope single_thread;
  run();
}

}  // namespace

Plan::Plan(const torch::jit::Module& module, const std::string& method,
           program::ComputePrecision precision, std::shared_ptr<engine::Arena> arena)
    : method_(method), precision_(precision), network_(std::move(arena), &RunOnThread) {
  auto program = program::Compile(module, method);
  signature_ = std::move(program.signature);
  returns_sequence_ = program.returns_sequence;
  auto built = BuildSteps(std::move(program), precision);
  network_.steps() = std::move(built.steps);
  convolutions_ = std::move(built.convolutions);
  linears_ = std::move(built.linears);
}

bool Plan::Accepts(const at::Tensor& input) const {
  return input.dim() == 4 && input.numel() > 0 && input.scalar_type() == at::kFloat &&
         input.is_cpu();
}

std::vector<at::Tensor> Plan::Run(const at::Tensor& input, const OutputSelection& selected) {
  return ToTorch(network_.Run(FromTorch(input), selected));
}

void Plan::ExcludeOneDnn() {
  if (!kernels::ActiveKernels()) {
    throw program::UnsupportedGraph("this processor has neither AVX2 nor NEON");
  }
  for (const auto& convolution : convolutions_) convolution->ExcludeOneDnn();
}

engine::NetworkDescription Plan::Describe() const {
  engine::NetworkDescription network;
  network.method = method_;
  network.precision = program::NameOf(precision_);
  network.instruction_set = engine::PackedFor(network.precision);
  network.returns_sequence = returns_sequence_;
  network.sub_batch = network_.sub_batch();
  if (const auto failed = engine::DescribeSteps(network_.steps(), network)) {
    const auto& step = *network_.steps().entries[*failed].step;
    const auto* op = dynamic_cast<const OperatorStep*>(&step);
    throw program::UnsupportedGraph(op ? "there is no kernel for its operator " + op->name()
                                       : "there is no kernel for one of its convolutions");
  }
  return network;
}

}  // namespace semisup::plan
