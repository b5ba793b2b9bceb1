#include "plan/convolution.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "plan/arena.h"

namespace semisup::plan {

Convolution::Convolution(program::ConvolutionSpec spec) : spec_(std::move(spec)) {}

std::vector<Algorithm> Convolution::SupportedAlgorithms() const {
  std::vector<Algorithm> supported;
  std::copy_if(kAlgorithms.begin(), kAlgorithms.end(), std::back_inserter(supported),
               [this](Algorithm algorithm) { return Supports(algorithm); });
  return supported;
}

void Convolution::Select(ExecutionMode mode, Algorithm algorithm) {
  // Packed weights outlive the run.
  const ArenaScope no_arena(nullptr);
  Prepare(algorithm);
  algorithms_[IndexOf(mode)] = algorithm;
}

void Convolution::ReleaseUnselected() {
  ReleaseUnselectedKernels();
  // The kernels have packed copies of the weights; only the shape of the original is still needed.
  if (!IsSelected(Algorithm::kOneDnn)) {
    spec_.weight = at::zeros({1}, spec_.weight.options()).expand(spec_.weight.sizes());
  }
}

bool Convolution::FuseActivation(const kernels::Activation& activation) {
  if (spec_.max_pool || spec_.activation.kind != kernels::ActivationKind::kNone) return false;
  spec_.activation = activation;
  return true;
}

void Convolution::CheckWeights() const {
  TORCH_CHECK(spec_.weight.is_contiguous(), "The weights of this convolution were freed.");
}

void Convolution::CheckChannels(const at::Tensor& input) const {
  const int64_t channels = spec_.weight.size(1) * spec_.groups;
  TORCH_CHECK(input.size(1) == channels, "Expected an input of ", channels,
              " channels for a convolution, but received a tensor of shape ", input.sizes(), ".");
}

std::vector<int64_t> Convolution::PooledSizes(std::vector<int64_t> sizes) const {
  for (size_t dim = 2; spec_.max_pool && dim < 4; dim++) {
    sizes[dim] = spec_.max_pool->OutputLength(sizes[dim]);
  }
  return sizes;
}

bool Convolution::IsSelected(Algorithm algorithm) const {
  return std::count(algorithms_.begin(), algorithms_.end(), algorithm) > 0;
}

}  // namespace semisup::plan
