#pragma once
#include <array>
#include <memory>

#include "engine/convolution_algorithm.h"

namespace semisup::engine {

// A fused convolution, computed by the algorithm that is selected for the execution mode.
class ConvolutionStep final : public Step {
 public:
  explicit ConvolutionStep(FusedConvolution convolution) : convolution_(std::move(convolution)) {}

  // Of images and, if the convolution has one, a residual, which is broadcast.
  Tensor Run(Tensors inputs, ExecutionMode mode, StepState& state) const override;
  bool HasState() const override;
  std::optional<StepDescription> Describe() const override;
  bool FuseActivation(const kernels::Activation& activation) override;
  // Appends max pooling, unless there is one or a residual.
  bool FuseMaxPool(const kernels::MaxPool& pool);

  const FusedConvolution& convolution() const { return convolution_; }
  // Must not be called while the step runs.
  void Select(ExecutionMode mode, std::shared_ptr<const ConvolutionAlgorithm> algorithm) {
    algorithms_[IndexOf(mode)] = std::move(algorithm);
  }

 private:
  static size_t IndexOf(ExecutionMode mode) { return mode == ExecutionMode::kLatency ? 0 : 1; }
  // With a residual of other sizes than the output.
  Tensor RunBroadcasting(const ConvolutionAlgorithm& algorithm, const Tensor& input,
                         const Tensor& residual, ExecutionMode mode, StepState& state) const;
  Tensor ToConvolutionDType(const Tensor& images, const kernels::Quantization& quantization) const;

  FusedConvolution convolution_;
  std::array<std::shared_ptr<const ConvolutionAlgorithm>, 2> algorithms_;
};

}  // namespace semisup::engine
