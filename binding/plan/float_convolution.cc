#include "plan/float_convolution.h"

#include <utility>

#include "engine/arena.h"
#include "engine/kernel_convolution.h"
#include "kernels/bfloat16/bfloat16_convolution.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/direct/direct.h"
#include "kernels/grouped/grouped.h"
#include "kernels/pointwise/pointwise.h"
#include "kernels/winograd/winograd.h"
#include "plan/onednn_convolution.h"
#include "plan/torch_tensor.h"

namespace semisup::plan {

template <class T>
FloatConvolution<T>::FloatConvolution(program::ConvolutionSpec spec, engine::ConvolutionStep& step)
    : Convolution(std::move(spec), step),
      bias_(std::make_shared<const kernels::Buffer<float>>(ToBuffer(spec_.bias))) {
  const auto dtype = ToTorch(engine::kDType<T>);
  spec_.weight = spec_.weight.to(dtype).contiguous();
  if (spec_.bias.defined()) spec_.bias = spec_.bias.to(dtype).contiguous();
  for (const auto mode : {ExecutionMode::kLatency, ExecutionMode::kThroughput}) {
    Select(mode, Algorithm::kOneDnn);
  }
}

template <>
bool FloatConvolution<float>::Supports(Algorithm algorithm) const {
  switch (algorithm) {
    case Algorithm::kOneDnn:
      return true;
    case Algorithm::kDirect:
      return kernels::DirectConvolution::Supports(shape());
    case Algorithm::kPointwise:
      return kernels::PointwiseConvolution::Supports(shape());
    case Algorithm::kGrouped:
      return kernels::GroupedConvolution::Supports(shape());
    case Algorithm::kDepthwise:
      return kernels::DepthwiseConvolution::Supports(shape());
    case Algorithm::kWinograd2x2:
    case Algorithm::kWinograd4x4:
      return spec_.bias.defined() && kernels::WinogradConvolution::Supports(shape());
  }
  return false;
}

template <>
bool FloatConvolution<kernels::BFloat16>::Supports(Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) return true;
  return algorithm == Algorithm::kDirect && !shape().is_dilated() &&
         kernels::BFloat16Convolution::Supports(shape());
}

template <>
std::unique_ptr<const kernels::ConvolutionKernel<float>> FloatConvolution<float>::MakeKernel(
    Algorithm algorithm) const {
  const auto* weight = spec_.weight.const_data_ptr<float>();
  switch (algorithm) {
    case Algorithm::kDirect:
      return std::make_unique<kernels::DirectConvolution>(weight, shape());
    case Algorithm::kPointwise:
      return std::make_unique<kernels::PointwiseConvolution>(weight, shape().input_channels,
                                                             shape().output_channels);
    case Algorithm::kGrouped:
      return std::make_unique<kernels::GroupedConvolution>(weight, shape());
    case Algorithm::kDepthwise:
      return std::make_unique<kernels::DepthwiseConvolution>(weight, shape());
    case Algorithm::kWinograd2x2:
      return std::make_unique<kernels::WinogradConvolution>(weight, shape(), 2);
    default:
      return std::make_unique<kernels::WinogradConvolution>(weight, shape(), 4);
  }
}

template <>
std::unique_ptr<const kernels::ConvolutionKernel<kernels::BFloat16>>
FloatConvolution<kernels::BFloat16>::MakeKernel(Algorithm) const {
  const auto* weight = static_cast<const kernels::BFloat16*>(spec_.weight.const_data_ptr());
  return std::make_unique<kernels::BFloat16Convolution>(weight, shape());
}

template <class T>
std::shared_ptr<const engine::ConvolutionAlgorithm> FloatConvolution<T>::Make(
    Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) {
    return std::make_shared<OneDnnConvolution>(spec_.weight, spec_.bias);
  }
  return std::make_shared<engine::KernelConvolution<T>>(MakeKernel(algorithm), bias_);
}

template class FloatConvolution<float>;
template class FloatConvolution<kernels::BFloat16>;

}  // namespace semisup::plan
