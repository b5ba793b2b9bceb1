#include "engine/convolution_step.h"

#include <algorithm>
#include <stdexcept>

#include "engine/convert.h"
#include "engine/pooling_steps.h"

namespace semisup::engine {
namespace {

// The sum of two tensors that PyTorch would broadcast, by plain loops: of residuals that no network
// of the field has.
Tensor BroadcastSum(const Tensor& a, const Tensor& b, bool relu) {
  const auto sizes = BroadcastSizes(a.sizes(), b.sizes());
  const auto first = ToFloat32(a).Expanded(sizes).Dense(Layout::kNhwc);
  const auto second = ToFloat32(b).Expanded(sizes).Dense(Layout::kNhwc);
  auto sum = Tensor::EmptyLike(first);
  const auto* addend = second.data<float>();
  auto* sums = sum.mutable_data<float>();
  for (int64_t i = 0; i < sum.numel(); i++) {
    const float value = first.data<float>()[i] + addend[i];
    // As NaN passes a ReLU.
    sums[i] = relu && value < 0 ? 0 : value;
  }
  return a.dtype() == DType::kBFloat16 ? ToBFloat16(sum) : sum;
}

}  // namespace

bool ConvolutionStep::HasState() const {
  return std::any_of(algorithms_.begin(), algorithms_.end(),
                     [](const auto& algorithm) { return algorithm && algorithm->HasState(); });
}

std::optional<StepDescription> ConvolutionStep::Describe() const {
  Convolution description{.convolution = convolution_, .algorithms = {}};
  for (size_t i = 0; i < algorithms_.size(); i++) {
    const auto algorithm = algorithms_[i]->Describe();
    if (!algorithm) return std::nullopt;
    description.algorithms[i] = *algorithm;
  }
  return description;
}

bool ConvolutionStep::FuseActivation(const kernels::Activation& activation) {
  auto& convolution = convolution_;
  const bool has_activation = convolution.activation.kind != kernels::ActivationKind::kNone;
  if (convolution.dtype != DType::kFloat32 || convolution.max_pool || has_activation) return false;
  convolution.activation = activation;
  return true;
}

bool ConvolutionStep::FuseMaxPool(const kernels::MaxPool& pool) {
  if (convolution_.has_residual || convolution_.max_pool) return false;
  convolution_.max_pool = pool;
  return true;
}

Tensor ConvolutionStep::ToConvolutionDType(const Tensor& images,
                                           const kernels::Quantization& quantization) const {
  if (convolution_.dtype == DType::kUInt8) return ToQuantized(images, quantization);
  return convolution_.dtype == DType::kBFloat16 ? ToBFloat16(images) : ToFloat32(images);
}

Tensor ConvolutionStep::Run(Tensors inputs, ExecutionMode mode, StepState& state) const {
  const auto& algorithm = *algorithms_[IndexOf(mode)];
  const auto input =
      ToConvolutionDType(std::exchange(inputs[0], {}), convolution_.input_quantization);
  Tensor residual;
  if (convolution_.has_residual) {
    residual = ToConvolutionDType(std::exchange(inputs[1], {}), convolution_.residual_quantization);
    if (residual.sizes() != convolution_.OutputSizes(input.sizes())) {
      return RunBroadcasting(algorithm, input, residual, mode, state);
    }
    residual = std::exchange(residual, {}).Dense(Layout::kNhwc);
  }
  const auto output = algorithm.Run(convolution_, input, std::move(residual), mode, state);
  const bool is_unpooled = convolution_.max_pool && !algorithm.FusesMaxPool();
  return is_unpooled ? RunMaxPool(output, *convolution_.max_pool) : output;
}

Tensor ConvolutionStep::RunBroadcasting(const ConvolutionAlgorithm& algorithm, const Tensor& input,
                                        const Tensor& residual, ExecutionMode mode,
                                        StepState& state) const {
  if (convolution_.dtype == DType::kUInt8) {
    throw std::invalid_argument("In int8, a residual of shape " + ToString(residual.sizes()) +
                                " cannot be added to an output of shape " +
                                ToString(convolution_.OutputSizes(input.sizes())) + ".");
  }
  auto product = convolution_;
  product.has_residual = false;
  product.relu = false;
  product.activation = {};
  const auto output = algorithm.Run(product, input, {}, mode, state);
  const auto sum = BroadcastSum(output, residual, convolution_.relu);
  if (convolution_.activation.kind != kernels::ActivationKind::kNone) {
    kernels::RunActivation(convolution_.activation, sum.data<float>(), sum.numel(),
                           sum.mutable_data<float>());
  }
  return sum;
}

}  // namespace semisup::engine
