#pragma once
#include <memory>

#include "engine/convolution_algorithm.h"
#include "kernels/buffer.h"
#include "kernels/convolution_kernel.h"
#include "kernels/int8/int8_convolution.h"

namespace semisup::engine {

// A kernel of float or BFloat16 images.
template <class T>
class KernelConvolution final : public ConvolutionAlgorithm {
 public:
  using Kernel = kernels::ConvolutionKernel<T>;

  // `bias`: of the output channels, or none; must outlive the algorithm.
  KernelConvolution(std::unique_ptr<const Kernel> kernel,
                    std::shared_ptr<const kernels::Buffer<float>> bias)
      : kernel_(std::move(kernel)), bias_(std::move(bias)) {}

  Tensor Run(const FusedConvolution& convolution, const Tensor& input, Tensor residual,
             ExecutionMode mode, StepState& state) const override;
  bool FusesMaxPool() const override { return kernel_->FusesMaxPool(); }

 private:
  const std::unique_ptr<const Kernel> kernel_;
  const std::shared_ptr<const kernels::Buffer<float>> bias_;
};

// The kernel of quantized images.
class Int8KernelConvolution final : public ConvolutionAlgorithm {
 public:
  explicit Int8KernelConvolution(std::unique_ptr<const kernels::Int8Convolution> kernel)
      : kernel_(std::move(kernel)) {}

  Tensor Run(const FusedConvolution& convolution, const Tensor& input, Tensor residual,
             ExecutionMode mode, StepState& state) const override;
  bool FusesMaxPool() const override { return true; }

 private:
  const std::unique_ptr<const kernels::Int8Convolution> kernel_;
};

}  // namespace semisup::engine
