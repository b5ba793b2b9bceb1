#include "plan/float_convolution.h"

#include <utility>

#include "engine/float_kernels.h"
#include "engine/kernel_convolution.h"
#include "kernels/bfloat16/bfloat16_convolution.h"
#include "plan/onednn_convolution.h"
#include "plan/torch_tensor.h"

namespace semisup::plan {
namespace {

// Of an algorithm that is not oneDNN's.
engine::FloatKernel KernelOf(Algorithm algorithm) {
  using engine::FloatKernel;
  switch (algorithm) {
    case Algorithm::kPointwise:
      return FloatKernel::kPointwise;
    case Algorithm::kGrouped:
      return FloatKernel::kGrouped;
    case Algorithm::kDepthwise:
      return FloatKernel::kDepthwise;
    case Algorithm::kWinograd2x2:
      return FloatKernel::kWinograd2x2;
    case Algorithm::kWinograd4x4:
      return FloatKernel::kWinograd4x4;
    default:
      return FloatKernel::kDirect;
  }
}

}  // namespace

template <class T>
FloatConvolution<T>::FloatConvolution(program::ConvolutionSpec spec, engine::ConvolutionStep& step)
    : Convolution(std::move(spec), step), bias_(ToBuffer(spec_.bias)) {
  const auto dtype = ToTorch(engine::kDType<T>);
  spec_.weight = spec_.weight.to(dtype).contiguous();
  if (spec_.bias.defined()) spec_.bias = spec_.bias.to(dtype).contiguous();
  for (const auto mode : {ExecutionMode::kLatency, ExecutionMode::kThroughput}) {
    Select(mode, Algorithm::kOneDnn);
  }
}

template <>
bool FloatConvolution<float>::Supports(Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) return true;
  const bool is_winograd =
      algorithm == Algorithm::kWinograd2x2 || algorithm == Algorithm::kWinograd4x4;
  return engine::Supports(KernelOf(algorithm), shape()) && !(is_winograd && bias_.size() == 0);
}

template <>
bool FloatConvolution<kernels::BFloat16>::Supports(Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) return true;
  return algorithm == Algorithm::kDirect && kernels::BFloat16Convolution::Supports(shape());
}

template <>
std::shared_ptr<const engine::ConvolutionAlgorithm> FloatConvolution<float>::Make(
    Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) {
    return std::make_shared<OneDnnConvolution>(spec_.weight, spec_.bias);
  }
  return std::make_shared<engine::FloatKernelConvolution>(
      KernelOf(algorithm), spec_.weight.const_data_ptr<float>(), bias_, shape());
}

template <>
std::shared_ptr<const engine::ConvolutionAlgorithm> FloatConvolution<kernels::BFloat16>::Make(
    Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) {
    return std::make_shared<OneDnnConvolution>(spec_.weight, spec_.bias);
  }
  const auto* weight = static_cast<const kernels::BFloat16*>(spec_.weight.const_data_ptr());
  return std::make_shared<engine::BFloat16KernelConvolution>(weight, bias_, shape());
}

template class FloatConvolution<float>;
template class FloatConvolution<kernels::BFloat16>;

}  // namespace semisup::plan
