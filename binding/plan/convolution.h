#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <vector>

#include "plan/algorithm.h"
#include "program/convolution_spec.h"

namespace semisup::plan {

// A fused convolution, computed by the algorithm selected for the execution mode. Tensors are
// channels-last, except the input batch. Thread-safe, except for selection.
class Convolution {
 public:
  explicit Convolution(program::ConvolutionSpec spec);
  virtual ~Convolution() = default;

  // `residual` is undefined if there is none, and is overwritten if nothing else refers to it.
  // `packed` holds oneDNN's weights for inputs of this shape in this mode; the first run sets it.
  virtual at::Tensor Run(const at::Tensor& input, at::Tensor residual, ExecutionMode mode,
                         at::Tensor& packed) const = 0;

  const program::ConvolutionSpec& spec() const { return spec_; }
  // Appends max pooling. The convolution must have no residual.
  void FuseMaxPool(const kernels::MaxPool& pool) { spec_.max_pool = pool; }
  // Appends an activation, unless there is one or max pooling.
  bool FuseActivation(const kernels::Activation& activation);
  // Whether a residual must be broadcast to the output's shape.
  bool BroadcastsResidual(const at::Tensor& input, const at::Tensor& residual) const {
    return residual.sizes() != spec_.OutputSizes(input.sizes());
  }
  virtual bool Supports(Algorithm algorithm) const = 0;
  std::vector<Algorithm> SupportedAlgorithms() const;
  Algorithm algorithm(ExecutionMode mode) const { return algorithms_[IndexOf(mode)]; }
  void Select(ExecutionMode mode, Algorithm algorithm);
  // Frees the weights of algorithms that are not selected. These cannot be selected afterwards.
  void ReleaseUnselected();

 protected:
  // Throws c10::Error if ReleaseUnselected() has freed the weights.
  void CheckWeights() const;
  // Throws c10::Error if the input has a different number of channels.
  void CheckChannels(const at::Tensor& input) const;
  // The output's sizes after pooling, if any.
  std::vector<int64_t> PooledSizes(std::vector<int64_t> sizes) const;
  bool IsSelected(Algorithm algorithm) const;

  program::ConvolutionSpec spec_;

 private:
  static size_t IndexOf(ExecutionMode mode) { return mode == ExecutionMode::kLatency ? 0 : 1; }

  // Packs the weights of an algorithm, unless they are already packed.
  virtual void Prepare(Algorithm algorithm) = 0;
  // Frees the packed weights of algorithms that are not selected.
  virtual void ReleaseUnselectedKernels() = 0;

  std::array<Algorithm, 2> algorithms_{Algorithm::kOneDnn, Algorithm::kOneDnn};
};

}  // namespace semisup::plan
