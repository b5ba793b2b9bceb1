#include "plan/convolution.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace semisup::plan {

Convolution::Convolution(program::ConvolutionSpec spec, engine::ConvolutionStep& step)
    : spec_(std::move(spec)), step_(step) {}

std::vector<Algorithm> Convolution::Candidates() const {
  std::vector<Algorithm> candidates;
  std::copy_if(kAlgorithms.begin(), kAlgorithms.end(), std::back_inserter(candidates),
               [this](Algorithm algorithm) {
                 const bool is_excluded = excludes_onednn_ && algorithm == Algorithm::kOneDnn;
                 return !is_excluded && Supports(algorithm);
               });
  return candidates;
}

void Convolution::ExcludeOneDnn() {
  excludes_onednn_ = true;
  for (const auto mode : {ExecutionMode::kLatency, ExecutionMode::kThroughput}) {
    Select(mode, Candidates().front());
  }
}

void Convolution::Select(ExecutionMode mode, Algorithm algorithm) {
  auto& selected = algorithms_[algorithm];
  if (!selected) {
    TORCH_CHECK(spec_.weight.defined(), "The weights of this convolution were freed.");
    selected = Make(algorithm);
  }
  step_.Select(mode, selected);
  selected_[IndexOf(mode)] = algorithm;
}

void Convolution::ReleaseUnselected() {
  std::erase_if(algorithms_, [this](const auto& entry) {
    return std::count(selected_.begin(), selected_.end(), entry.first) == 0;
  });
  // The algorithms have copies of the weights, or share them.
  spec_.weight.reset();
}

}  // namespace semisup::plan
