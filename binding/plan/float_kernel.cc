#include "plan/float_kernel.h"

#include <ATen/ops/empty.h>

#include "engine/float_kernels.h"
#include "engine/kernel_convolution.h"

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

bool HasFloatKernel(Algorithm algorithm, const kernels::ConvolutionShape& shape,
                    const kernels::Buffer<float>& bias) {
  if (algorithm == Algorithm::kOneDnn) return false;
  const bool is_winograd =
      algorithm == Algorithm::kWinograd2x2 || algorithm == Algorithm::kWinograd4x4;
  return engine::Supports(KernelOf(algorithm), shape) && !(is_winograd && bias.size() == 0);
}

std::shared_ptr<const engine::ConvolutionAlgorithm> MakeFloatKernel(
    Algorithm algorithm, const at::Tensor& weight, const kernels::Buffer<float>& bias,
    const kernels::ConvolutionShape& shape) {
  const auto dense = weight.to(at::kFloat).contiguous();
  return std::make_shared<engine::FloatKernelConvolution>(
      KernelOf(algorithm), dense.const_data_ptr<float>(), bias, shape);
}

}  // namespace semisup::plan
