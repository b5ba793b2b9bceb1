#pragma once
#include "engine/step.h"

namespace semisup::engine {

// One way to compute a convolution, with its weights. Thread-safe.
class ConvolutionAlgorithm {
 public:
  virtual ~ConvolutionAlgorithm() = default;
  // Computes `convolution`, except for its max pooling unless FusesMaxPool(). `input` has the
  // convolution's dtype; `residual` is undefined, or dense in NHWC and of the output's sizes, and
  // is overwritten if nothing else refers to it. Returns NHWC.
  virtual Tensor Run(const FusedConvolution& convolution, const Tensor& input, Tensor residual,
                     ExecutionMode mode, StepState& state) const = 0;
  virtual bool FusesMaxPool() const { return false; }
  // nullopt for one that cannot be made from data alone.
  virtual std::optional<AlgorithmDescription> Describe() const { return std::nullopt; }
  // As that of a step.
  virtual bool HasState() const { return false; }
};

}  // namespace semisup::engine
