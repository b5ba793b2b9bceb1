#include "engine/make_network.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/binary_step.h"
#include "engine/concatenation_step.h"
#include "engine/convolution_step.h"
#include "engine/elementwise_steps.h"
#include "engine/kernel_convolution.h"
#include "engine/linear_step.h"
#include "engine/pooling_steps.h"
#include "engine/view_steps.h"
#include "kernels/simd_kernels.h"

namespace semisup::engine {
namespace {

std::shared_ptr<const ConvolutionAlgorithm> MakeAlgorithm(const AlgorithmDescription& algorithm,
                                                          const kernels::ConvolutionShape& shape) {
  if (const auto* one = std::get_if<FloatAlgorithm>(&algorithm)) {
    return std::make_shared<FloatKernelConvolution>(*one, shape);
  }
  if (const auto* one = std::get_if<BFloat16Algorithm>(&algorithm)) {
    return std::make_shared<BFloat16KernelConvolution>(*one, shape);
  }
  return std::make_shared<Int8KernelConvolution>(std::get<Int8Algorithm>(algorithm), shape);
}

using Made = std::unique_ptr<Step>;

Made Make(const Convolution& description) {
  auto step = std::make_unique<ConvolutionStep>(description.convolution);
  const auto& shape = description.convolution.shape;
  step->Select(ExecutionMode::kLatency, MakeAlgorithm(description.algorithms[0], shape));
  step->Select(ExecutionMode::kThroughput, MakeAlgorithm(description.algorithms[1], shape));
  return step;
}
Made Make(const Linear& linear) { return std::make_unique<LinearStep>(linear); }
Made Make(const Affine& affine) { return std::make_unique<AffineStep>(affine); }
Made Make(const LayerNorm& norm) { return std::make_unique<LayerNormStep>(norm); }
Made Make(const Binary& binary) { return std::make_unique<BinaryStep>(binary); }
Made Make(const Concatenation& one) { return std::make_unique<ConcatenationStep>(one); }
Made Make(const GlobalAveragePool& pool) { return std::make_unique<GlobalAveragePoolStep>(pool); }
Made Make(const Identity&) { return std::make_unique<IdentityStep>(); }
Made Make(const Permutation& one) { return std::make_unique<PermutationStep>(one); }
Made Make(const Flattening&) { return std::make_unique<FlatteningStep>(); }
Made Make(const kernels::Activation& one) { return std::make_unique<ActivationStep>(one); }
Made Make(const kernels::AveragePool& pool) { return std::make_unique<AveragePoolStep>(pool); }
Made Make(const kernels::MaxPool& pool) { return std::make_unique<MaxPoolStep>(pool); }

}  // namespace

Steps MakeSteps(const NetworkDescription& network) {
  if (!kernels::ActiveKernels()) {
    throw std::invalid_argument("This processor has neither AVX2 nor NEON.");
  }
  CheckDescription(network);
  Steps steps{.entries = {},
              .values = static_cast<int>(network.values),
              .input = static_cast<int>(network.input),
              .outputs = {network.outputs.begin(), network.outputs.end()}};
  for (size_t i = 0; i < network.steps.size(); i++) {
    const auto& described = network.steps[i];
    try {
      // No aggregate initialization: GCC 12 destroys the other members twice if a member's throws.
      Steps::Entry entry;
      entry.values.inputs.assign(described.inputs.begin(), described.inputs.end());
      entry.values.output = static_cast<int>(described.output);
      entry.step = std::visit([](const auto& step) { return Make(step); }, described.step);
      steps.entries.push_back(std::move(entry));
    } catch (const std::invalid_argument& problem) {
      throw std::invalid_argument("Step " + std::to_string(i) +
                                  " of the network is invalid: " + problem.what());
    }
  }
  std::vector<bool> is_used(steps.values, false);
  for (const int output : steps.outputs) is_used[output] = true;
  for (auto entry = steps.entries.rbegin(); entry != steps.entries.rend(); ++entry) {
    entry->values.FindLastUses(is_used);
  }
  return steps;
}

std::optional<size_t> DescribeSteps(const Steps& steps, NetworkDescription& network) {
  network.steps.clear();
  for (const auto& [values, step] : steps.entries) {
    auto description = step->Describe();
    if (!description) return network.steps.size();
    network.steps.push_back({.inputs = {values.inputs.begin(), values.inputs.end()},
                             .output = values.output,
                             .step = std::move(*description)});
  }
  network.values = steps.values;
  network.input = steps.input;
  network.outputs.assign(steps.outputs.begin(), steps.outputs.end());
  return std::nullopt;
}

}  // namespace semisup::engine
