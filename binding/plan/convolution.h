#pragma once
#include <array>
#include <map>
#include <memory>
#include <vector>

#include "engine/convolution_step.h"
#include "plan/algorithm.h"
#include "program/convolution_spec.h"

namespace semisup::plan {

// The choice of algorithms for a convolution of a plan, with its weights. Not thread-safe.
class Convolution {
 public:
  // Selects algorithms for `step`, which must outlive it.
  Convolution(program::ConvolutionSpec spec, engine::ConvolutionStep& step);
  virtual ~Convolution() = default;

  const program::ConvolutionSpec& spec() const { return spec_; }
  engine::ConvolutionStep& step() const { return step_; }
  virtual bool Supports(Algorithm algorithm) const = 0;
  // Those that may be selected.
  std::vector<Algorithm> Candidates() const;
  // Selects kernels, of which there is one for every convolution where there are any, and oneDNN
  // no more.
  void ExcludeOneDnn();
  Algorithm algorithm(ExecutionMode mode) const { return selected_[IndexOf(mode)]; }
  // Packs the algorithm's weights, unless they are packed already.
  void Select(ExecutionMode mode, Algorithm algorithm);
  // Frees the weights of algorithms that are not selected. These cannot be selected afterwards.
  void ReleaseUnselected();

 protected:
  const kernels::ConvolutionShape& shape() const { return step_.convolution().shape; }

  program::ConvolutionSpec spec_;

 private:
  static size_t IndexOf(ExecutionMode mode) { return mode == ExecutionMode::kLatency ? 0 : 1; }
  virtual std::shared_ptr<const engine::ConvolutionAlgorithm> Make(Algorithm algorithm) const = 0;

  engine::ConvolutionStep& step_;
  std::map<Algorithm, std::shared_ptr<const engine::ConvolutionAlgorithm>> algorithms_;
  std::array<Algorithm, 2> selected_{Algorithm::kOneDnn, Algorithm::kOneDnn};
  bool excludes_onednn_ = false;
};

}  // namespace semisup::plan
