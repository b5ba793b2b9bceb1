#include "engine/kernel_convolution.h"

#include "engine/memory.h"

namespace semisup::engine {
namespace {

// The tensor for the output: the residual, if that may be overwritten.
Tensor OutputFor(const FusedConvolution& convolution, const Tensor& residual, Sizes sizes,
                 bool is_pooled) {
  if (residual.defined() && residual.IsExclusive()) return residual;
  return Tensor::Empty(is_pooled ? convolution.PooledSizes(std::move(sizes)) : std::move(sizes),
                       convolution.dtype, Layout::kNhwc);
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
                .bias = bias_->data(),
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

Tensor Int8KernelConvolution::Run(const FusedConvolution& convolution, const Tensor& input,
                                  Tensor residual, ExecutionMode, StepState&) const {
  const auto sizes = convolution.OutputSizes(input.sizes());
  const auto source = input.Dense(Layout::kNhwc);
  auto output = OutputFor(convolution, residual, sizes, convolution.max_pool.has_value());
  output.set_quantization(convolution.output_quantization);
  ScratchMemory scratch;
  kernel_->Run({.input = source.data<uint8_t>(),
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
