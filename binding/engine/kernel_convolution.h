#pragma once
#include <memory>

#include "engine/convolution_algorithm.h"
#include "kernels/convolution_kernel.h"
#include "kernels/int8/int8_convolution.h"

namespace semisup::engine {

// A kernel of float or BFloat16 images.
template <class T>
class KernelConvolution : public ConvolutionAlgorithm {
 public:
  using Kernel = kernels::ConvolutionKernel<T>;

  // `bias`: of the output channels, or empty.
  KernelConvolution(std::unique_ptr<const Kernel> kernel, kernels::Buffer<float> bias)
      : kernel_(std::move(kernel)), bias_(std::move(bias)) {}

  Tensor Run(const FusedConvolution& convolution, const Tensor& input, Tensor residual,
             ExecutionMode mode, StepState& state) const override;
  bool FusesMaxPool() const override { return kernel_->FusesMaxPool(); }

 protected:
  const Kernel& kernel() const { return *kernel_; }
  const kernels::Buffer<float>& bias() const { return bias_; }

 private:
  const std::unique_ptr<const Kernel> kernel_;
  const kernels::Buffer<float> bias_;
};

// Also computes convolutions of other images, which it converts.
class FloatKernelConvolution final : public KernelConvolution<float> {
 public:
  // Throws std::invalid_argument if the kernel does not support the convolution.
  FloatKernelConvolution(FloatKernel kind, const float* weight, kernels::Buffer<float> bias,
                         const kernels::ConvolutionShape& shape);
  FloatKernelConvolution(const FloatAlgorithm& algorithm, const kernels::ConvolutionShape& shape);

  Tensor Run(const FusedConvolution& convolution, const Tensor& input, Tensor residual,
             ExecutionMode mode, StepState& state) const override;
  std::optional<AlgorithmDescription> Describe() const override;

 private:
  const FloatKernel kind_;
};

class BFloat16KernelConvolution final : public KernelConvolution<kernels::BFloat16> {
 public:
  // Throws std::invalid_argument if the kernel does not support the convolution.
  BFloat16KernelConvolution(BFloat16Kernel kind, const kernels::BFloat16* weight,
                            kernels::Buffer<float> bias, const kernels::ConvolutionShape& shape);
  BFloat16KernelConvolution(const BFloat16Algorithm& algorithm,
                            const kernels::ConvolutionShape& shape);

  std::optional<AlgorithmDescription> Describe() const override;

 private:
  const BFloat16Kernel kind_;
};

// The kernel of quantized images.
class Int8KernelConvolution final : public ConvolutionAlgorithm {
 public:
  // Throws std::invalid_argument if the kernel does not support the convolution.
  Int8KernelConvolution(const int8_t* weight, const kernels::ConvolutionShape& shape,
                        const kernels::RequantizationParameters& parameters)
      : kernel_(weight, shape, parameters) {}
  Int8KernelConvolution(const Int8Algorithm& algorithm, const kernels::ConvolutionShape& shape);

  Tensor Run(const FusedConvolution& convolution, const Tensor& input, Tensor residual,
             ExecutionMode mode, StepState& state) const override;
  bool FusesMaxPool() const override { return true; }
  std::optional<AlgorithmDescription> Describe() const override { return kernel_.packed(); }

 private:
  const kernels::Int8Convolution kernel_;
};

}  // namespace semisup::engine
