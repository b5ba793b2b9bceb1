#include "plan/float_convolution.h"

#include <optional>
#include <type_traits>
#include <utility>

#include "engine/bfloat16_kernels.h"
#include "engine/kernel_convolution.h"
#include "plan/float_kernel.h"
#include "plan/onednn_convolution.h"
#include "plan/torch_tensor.h"

namespace semisup::plan {
namespace {

// The bfloat16 kernel of an algorithm, if there is one.
std::optional<engine::BFloat16Kernel> KernelOf(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kDirect:
      return engine::BFloat16Kernel::kDirect;
    case Algorithm::kWinograd2x2:
      return engine::BFloat16Kernel::kWinograd2x2;
    default:
      return std::nullopt;
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
  return algorithm == Algorithm::kOneDnn || HasFloatKernel(algorithm, shape(), bias_);
}

template <>
bool FloatConvolution<kernels::BFloat16>::Supports(Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) return true;
  if (!engine::Supports(engine::BFloat16Kernel::kDirect, shape())) {
    return HasFloatKernel(algorithm, shape(), bias_);
  }
  const auto kernel = KernelOf(algorithm);
  return kernel && engine::Supports(*kernel, shape());
}

template <class T>
std::shared_ptr<const engine::ConvolutionAlgorithm> FloatConvolution<T>::Make(
    Algorithm algorithm) const {
  if (algorithm == Algorithm::kOneDnn) {
    return std::make_shared<OneDnnConvolution>(spec_.weight, spec_.bias);
  }
  if constexpr (std::is_same_v<T, kernels::BFloat16>) {
    const auto kernel = KernelOf(algorithm);
    if (kernel && engine::Supports(*kernel, shape())) {
      const auto* weight = static_cast<const kernels::BFloat16*>(spec_.weight.const_data_ptr());
      return std::make_shared<engine::BFloat16KernelConvolution>(*kernel, weight, bias_, shape());
    }
  }
  return MakeFloatKernel(algorithm, spec_.weight, bias_, shape());
}

template class FloatConvolution<float>;
template class FloatConvolution<kernels::BFloat16>;

}  // namespace semisup::plan
