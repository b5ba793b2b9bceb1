#include "engine/kernel_convolution.h"

#include <stdexcept>
#include <utility>

#include "engine/bfloat16_kernels.h"
#include "engine/convert.h"
#include "engine/float_kernels.h"
#include "engine/memory.h"
#include "kernels/int8/int8_kernel.h"

namespace semisup::engine {
namespace {

// The tensor for the output: the residual, if that may be overwritten.
Tensor OutputFor(const FusedConvolution& convolution, const Tensor& residual, Sizes sizes,
                 bool is_pooled) {
  if (residual.defined() && residual.IsExclusive()) return residual;
  return Tensor::Empty(is_pooled ? convolution.PooledSizes(std::move(sizes)) : std::move(sizes),
                       convolution.dtype, Layout::kNhwc);
}

const kernels::ConvolutionShape& Checked(bool is_supported,
                                         const kernels::ConvolutionShape& shape) {
  if (is_supported) return shape;
  throw std::invalid_argument("A convolution has no kernel for its shape on this processor.");
}

const kernels::Buffer<float>& CheckedBias(const kernels::Buffer<float>& bias,
                                          const kernels::ConvolutionShape& shape) {
  if (bias.size() > 0) kernels::CheckPacked(bias, shape.output_channels);
  return bias;
}

// Without a bias Winograd's kernel reads none.
const kernels::ConvolutionShape& Checked(FloatKernel kind, const kernels::Buffer<float>& bias,
                                         const kernels::ConvolutionShape& shape) {
  const bool is_winograd = kind == FloatKernel::kWinograd2x2 || kind == FloatKernel::kWinograd4x4;
  return Checked(Supports(kind, shape) && !(is_winograd && bias.size() == 0), shape);
}

}  // namespace

template <class T>
Tensor KernelConvolution<T>::Run(const FusedConvolution& convolution, const Tensor& input,
                                 Tensor residual, ExecutionMode, StepState&) const {
  const auto sizes = convolution.OutputSizes(input.sizes());
  auto source = input;
  for (int dim = 0; kernel_->NeedsSubsampledInput() && dim < 2; dim++) {
    const int64_t stride = convolution.shape.stride[dim];
    if (stride > 1) source = source.Subsampled(2 + dim, stride);
  }
  const bool is_nchw =
      kernel_->AcceptsNchw() && source.IsDense(Layout::kNchw) && !source.IsDense(Layout::kNhwc);
  if (!is_nchw) source = source.Dense(Layout::kNhwc);
  const bool is_pooled = convolution.max_pool && kernel_->FusesMaxPool();
  const auto output = OutputFor(convolution, residual, sizes, is_pooled);
  ScratchMemory scratch;
  kernel_->Run({.input = source.template data<T>(),
                .bias = bias_.data(),
                .residual = residual.data<T>(),
                .output = output.template mutable_data<T>(),
                .batch = sizes[0],
                .height = sizes[2],
                .width = sizes[3],
                .input_height = source.size(2),
                .input_width = source.size(3),
                .relu = convolution.relu,
                .activation = convolution.activation,
                .max_pool = is_pooled ? &*convolution.max_pool : nullptr,
                .is_nchw = is_nchw},
               scratch);
  return output;
}

template class KernelConvolution<float>;
template class KernelConvolution<kernels::BFloat16>;

FloatKernelConvolution::FloatKernelConvolution(FloatKernel kind, const float* weight,
                                               kernels::Buffer<float> bias,
                                               const kernels::ConvolutionShape& shape)
    : KernelConvolution(MakeKernel(kind, weight, Checked(kind, bias, shape)), bias), kind_(kind) {}

FloatKernelConvolution::FloatKernelConvolution(const FloatAlgorithm& algorithm,
                                               const kernels::ConvolutionShape& shape)
    : KernelConvolution(MakeKernel(algorithm.kernel, algorithm.weight,
                                   Checked(algorithm.kernel, algorithm.bias, shape)),
                        CheckedBias(algorithm.bias, shape)),
      kind_(algorithm.kernel) {}

Tensor FloatKernelConvolution::Run(const FusedConvolution& convolution, const Tensor& input,
                                   Tensor residual, ExecutionMode mode, StepState& state) const {
  if (convolution.dtype == DType::kFloat32) {
    return KernelConvolution::Run(convolution, input, std::move(residual), mode, state);
  }
  auto of_floats = convolution;
  of_floats.dtype = DType::kFloat32;
  if (residual.defined()) residual = ToFloat32(residual);
  const auto output =
      KernelConvolution::Run(of_floats, ToFloat32(input), std::move(residual), mode, state);
  return convolution.dtype == DType::kBFloat16
             ? ToBFloat16(output)
             : ToQuantized(output, convolution.output_quantization);
}

std::optional<AlgorithmDescription> FloatKernelConvolution::Describe() const {
  return FloatAlgorithm{kind_, PackedWeights(kind_, kernel()), bias()};
}

BFloat16KernelConvolution::BFloat16KernelConvolution(BFloat16Kernel kind,
                                                     const kernels::BFloat16* weight,
                                                     kernels::Buffer<float> bias,
                                                     const kernels::ConvolutionShape& shape)
    : KernelConvolution(MakeKernel(kind, weight, Checked(Supports(kind, shape), shape)),
                        std::move(bias)),
      kind_(kind) {}

BFloat16KernelConvolution::BFloat16KernelConvolution(const BFloat16Algorithm& algorithm,
                                                     const kernels::ConvolutionShape& shape)
    : KernelConvolution(MakeKernel(algorithm.kernel, algorithm.weight,
                                   Checked(Supports(algorithm.kernel, shape), shape)),
                        CheckedBias(algorithm.bias, shape)),
      kind_(algorithm.kernel) {}

std::optional<AlgorithmDescription> BFloat16KernelConvolution::Describe() const {
  return BFloat16Algorithm{kind_, PackedWeights(kind_, kernel()), bias()};
}

Int8KernelConvolution::Int8KernelConvolution(const Int8Algorithm& algorithm,
                                             const kernels::ConvolutionShape& shape)
    : kernel_(algorithm, Checked(kernels::Int8Convolution::SupportsShape(shape), shape)) {}

Tensor Int8KernelConvolution::Run(const FusedConvolution& convolution, const Tensor& input,
                                  Tensor residual, ExecutionMode, StepState&) const {
  const auto sizes = convolution.OutputSizes(input.sizes());
  const auto source = input.Dense(Layout::kNhwc);
  auto output = OutputFor(convolution, residual, sizes, convolution.max_pool.has_value());
  output.set_quantization(convolution.output_quantization);
  ScratchMemory scratch;
  kernel_.Run({.input = source.data<uint8_t>(),
               .residual = residual.data<uint8_t>(),
               .output = output.mutable_data<uint8_t>(),
               .batch = sizes[0],
               .height = sizes[2],
               .width = sizes[3],
               .input_height = source.size(2),
               .input_width = source.size(3),
               .max_pool = convolution.max_pool ? &*convolution.max_pool : nullptr},
              scratch);
  return output;
}

}  // namespace semisup::engine
