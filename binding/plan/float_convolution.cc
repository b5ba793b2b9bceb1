#include "plan/float_convolution.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>

#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "kernels/bfloat16/bfloat16_convolution.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/direct/direct.h"
#include "kernels/grouped/grouped.h"
#include "kernels/pointwise/pointwise.h"
#include "kernels/winograd/winograd.h"
#include "plan/arena.h"
#include "plan/layout.h"
#include "plan/pooling.h"
#include "plan/workspace.h"

namespace semisup::plan {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;

// oneDNN's fused convolutions, which torch.compile uses, too; LibTorch registers them as operators.
const auto& FusedConvolution() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                            at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                            std::string_view, Scalars, std::optional<std::string_view>)>();
  return op;
}

// Adds to its first argument in place.
const auto& FusedConvolutionAdd() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_convolution_pointwise_", "binary")
          .typed<at::Tensor&(at::Tensor&, const at::Tensor&, const at::Tensor&,
                             const std::optional<at::Tensor>&, at::IntArrayRef, at::IntArrayRef,
                             at::IntArrayRef, int64_t, std::string_view, std::optional<at::Scalar>,
                             std::optional<std::string_view>, Scalars,
                             std::optional<std::string_view>)>();
  return op;
}

const auto& ReorderWeight() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_reorder_convolution_weight", "")
          .typed<at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                            int64_t, at::OptionalIntArrayRef)>();
  return op;
}

template <class T>
constexpr at::ScalarType kDType = std::is_same_v<T, float> ? at::kFloat : at::kBFloat16;

template <class T>
const T* DataOf(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<const T*>(tensor.const_data_ptr()) : nullptr;
}

}  // namespace

template <class T>
FloatConvolution<T>::FloatConvolution(program::ConvolutionSpec spec)
    : Convolution(std::move(spec)) {
  spec_.weight = spec_.weight.to(kDType<T>).contiguous();
  if (!spec_.bias.defined()) return;
  bias_ = spec_.bias.to(at::kFloat).contiguous();
  spec_.bias = spec_.bias.to(kDType<T>).contiguous();
}

template <class T>
at::Tensor FloatConvolution<T>::Run(const at::Tensor& input, at::Tensor residual,
                                    ExecutionMode mode, at::Tensor& packed) const {
  CheckChannels(input);
  const auto kernel = kernels_.find(algorithm(mode));
  const bool is_onednn = kernel == kernels_.end();
  if (is_onednn && !packed.defined()) packed = PackForOneDnn(input);
  if (spec_.has_residual && BroadcastsResidual(input, residual)) {
    const auto output = is_onednn ? RunOneDnn(input, {}, false, packed)
                                  : RunKernel(input, {}, false, *kernel->second, {});
    const auto sum = at::add(output, residual);
    return Activated(spec_.relu ? at::relu(sum) : sum);
  }
  if (spec_.has_residual) residual = residual.contiguous(kNhwc);
  const bool is_pooled = spec_.max_pool && !is_onednn && kernel->second->FusesMaxPool();
  const auto output =
      is_onednn ? Activated(RunOneDnn(input, std::move(residual), spec_.relu, packed))
                : RunKernel(input, residual, spec_.relu, *kernel->second, spec_.activation);
  return spec_.max_pool && !is_pooled ? RunMaxPool(output, *spec_.max_pool) : output;
}

template <>
bool FloatConvolution<float>::Supports(Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) return true;
  const auto shape = spec_.Shape();
  switch (algorithm) {
    case Algorithm::kDirect:
      return kernels::DirectConvolution::Supports(shape);
    case Algorithm::kPointwise:
      return kernels::PointwiseConvolution::Supports(shape);
    case Algorithm::kGrouped:
      return kernels::GroupedConvolution::Supports(shape);
    case Algorithm::kDepthwise:
      return kernels::DepthwiseConvolution::Supports(shape);
    case Algorithm::kWinograd2x2:
    case Algorithm::kWinograd4x4:
      return spec_.bias.defined() && kernels::WinogradConvolution::Supports(shape);
    default:
      return false;
  }
}

template <>
bool FloatConvolution<kernels::BFloat16>::Supports(Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) return true;
  return algorithm == Algorithm::kDirect && !spec_.IsDilated() &&
         kernels::BFloat16Convolution::Supports(spec_.Shape());
}

template <>
FloatConvolution<float>::Kernel FloatConvolution<float>::MakeKernel(Algorithm algorithm) const {
  const auto shape = spec_.Shape();
  const auto* weight = spec_.weight.const_data_ptr<float>();
  switch (algorithm) {
    case Algorithm::kDirect:
      return std::make_unique<kernels::DirectConvolution>(weight, shape);
    case Algorithm::kPointwise:
      return std::make_unique<kernels::PointwiseConvolution>(weight, shape.input_channels,
                                                             shape.output_channels);
    case Algorithm::kGrouped:
      return std::make_unique<kernels::GroupedConvolution>(weight, shape);
    case Algorithm::kDepthwise:
      return std::make_unique<kernels::DepthwiseConvolution>(weight, shape);
    case Algorithm::kWinograd2x2:
      return std::make_unique<kernels::WinogradConvolution>(weight, shape, 2);
    default:
      return std::make_unique<kernels::WinogradConvolution>(weight, shape, 4);
  }
}

template <>
FloatConvolution<kernels::BFloat16>::Kernel FloatConvolution<kernels::BFloat16>::MakeKernel(
    Algorithm) const {
  return std::make_unique<kernels::BFloat16Convolution>(DataOf<kernels::BFloat16>(spec_.weight),
                                                        spec_.Shape());
}

template <class T>
void FloatConvolution<T>::Prepare(Algorithm algorithm) {
  if (kernels_.count(algorithm)) return;
  CheckWeights();
  if (algorithm != Algorithm::kOneDnn) kernels_.emplace(algorithm, MakeKernel(algorithm));
}

template <class T>
void FloatConvolution<T>::ReleaseUnselectedKernels() {
  std::erase_if(kernels_, [this](const auto& kernel) { return !IsSelected(kernel.first); });
}

template <class T>
at::Tensor FloatConvolution<T>::PackForOneDnn(const at::Tensor& input) const {
  // Packed weights outlive the run.
  const ArenaScope no_arena(nullptr);
  return ReorderWeight().call(spec_.weight, spec_.padding, spec_.stride, spec_.dilation,
                              spec_.groups, input.sizes());
}

template <class T>
at::Tensor FloatConvolution<T>::RunOneDnn(const at::Tensor& input, at::Tensor residual, bool relu,
                                          const at::Tensor& packed) const {
  const auto nhwc_input = input.contiguous(kNhwc);
  if (!residual.defined()) {
    return FusedConvolution().call(nhwc_input, packed, spec_.bias, spec_.padding, spec_.stride,
                                   spec_.dilation, spec_.groups, relu ? "relu" : "none", Scalars(),
                                   "");
  }
  auto sum = Writable(std::move(residual));
  FusedConvolutionAdd().call(sum, nhwc_input, packed, spec_.bias, spec_.padding, spec_.stride,
                             spec_.dilation, spec_.groups, "add", 1.0,
                             relu ? std::make_optional<std::string_view>("relu") : std::nullopt,
                             Scalars(), "");
  return sum;
}

template <class T>
at::Tensor FloatConvolution<T>::Activated(at::Tensor output) const {
  if (spec_.activation.kind == kernels::ActivationKind::kNone) return output;
  output = Dense(output);
  kernels::RunActivation(spec_.activation, output.const_data_ptr<float>(), output.numel(),
                         output.data_ptr<float>());
  return output;
}

template <class T>
at::Tensor FloatConvolution<T>::RunKernel(const at::Tensor& input, const at::Tensor& residual,
                                          bool relu, const kernels::ConvolutionKernel<T>& kernel,
                                          const kernels::Activation& activation) const {
  const auto sizes = spec_.OutputSizes(input.sizes());
  auto source = input;
  for (int dim = 0; kernel.NeedsSubsampledInput() && dim < 2; dim++) {
    const int64_t stride = spec_.stride[dim];
    if (stride > 1) source = source.slice(2 + dim, 0, std::nullopt, stride);
  }
  const bool is_nchw = kernel.AcceptsNchw() && IsNchw(source);
  if (!is_nchw) source = source.contiguous(kNhwc);
  const bool is_pooled = spec_.max_pool && kernel.FusesMaxPool();
  auto output = residual.defined() && IsExclusive(residual)
                    ? residual
                    : at::empty(is_pooled ? PooledSizes(sizes) : sizes, input.options(), kNhwc);
  TensorWorkspace workspace;
  kernel.Run({.input = DataOf<T>(source),
              .bias = DataOf<float>(bias_),
              .residual = DataOf<T>(residual),
              .output = static_cast<T*>(output.mutable_data_ptr()),
              .batch = sizes[0],
              .height = sizes[2],
              .width = sizes[3],
              .input_height = source.size(2),
              .input_width = source.size(3),
              .relu = relu,
              .activation = activation,
              .max_pool = is_pooled ? &*spec_.max_pool : nullptr,
              .is_nchw = is_nchw},
             workspace);
  return output;
}

template class FloatConvolution<float>;
template class FloatConvolution<kernels::BFloat16>;

}  // namespace semisup::plan
