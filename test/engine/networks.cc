#include "networks.h"

#include <cstdint>
#include <random>
#include <utility>

#include "engine/bfloat16_kernels.h"
#include "engine/kernel_convolution.h"
#include "engine/linear_step.h"
#include "kernels/bfloat16/round.h"

using namespace semisup;
using namespace semisup::engine;

namespace {

constexpr int64_t kSide = 17;

std::vector<float> RandomValues(int64_t count) {
  static std::mt19937 generator(7);
  std::uniform_real_distribution<float> distribution(-0.5F, 0.5F);
  std::vector<float> values(static_cast<size_t>(count));
  for (auto& value : values) value = distribution(generator);
  return values;
}

kernels::Buffer<float> RandomBuffer(int64_t count) {
  const auto values = RandomValues(count);
  kernels::Buffer<float> buffer(count);
  std::copy(values.begin(), values.end(), buffer.begin());
  return buffer;
}

int64_t WeightsOf(const kernels::ConvolutionShape& shape) {
  return shape.output_channels * shape.group_inputs() * shape.kernel[0] * shape.kernel[1];
}

// A network under construction; value 0 is the input.
class Builder {
 public:
  Builder(std::string precision) { network_.precision = std::move(precision); }

  // Returns the value of the step's output.
  int64_t Add(StepDescription step, std::vector<int64_t> inputs) {
    network_.steps.push_back({std::move(inputs), ++value_, std::move(step)});
    return value_;
  }

  int64_t AddFloat(FusedConvolution convolution, FloatKernel latency, FloatKernel throughput,
                   std::vector<int64_t> inputs) {
    const auto& shape = convolution.shape;
    const auto weight = RandomValues(WeightsOf(shape));
    const auto bias = RandomBuffer(shape.output_channels);
    Convolution description{.convolution = convolution, .algorithms = {}};
    const FloatKernel kernels[]{latency, throughput};
    for (size_t i = 0; i < 2; i++) {
      description.algorithms[i] =
          *FloatKernelConvolution(kernels[i], weight.data(), bias, shape).Describe();
    }
    return Add(description, std::move(inputs));
  }

  int64_t AddBFloat16(FusedConvolution convolution, std::vector<int64_t> inputs) {
    const auto& shape = convolution.shape;
    std::vector<kernels::BFloat16> weight;
    for (const float value : RandomValues(WeightsOf(shape))) {
      weight.push_back(kernels::RoundToBFloat16(value));
    }
    convolution.dtype = DType::kBFloat16;
    const auto bias = RandomBuffer(shape.output_channels);
    const auto describe = [&](BFloat16Kernel kernel) {
      return *BFloat16KernelConvolution(kernel, weight.data(), bias, shape).Describe();
    };
    const bool is_winograd = Supports(BFloat16Kernel::kWinograd2x2, shape);
    return Add(Convolution{convolution,
                           {describe(BFloat16Kernel::kDirect),
                            describe(is_winograd ? BFloat16Kernel::kWinograd2x2
                                                 : BFloat16Kernel::kDirect)}},
               std::move(inputs));
  }

  int64_t AddInt8(FusedConvolution convolution, std::vector<int64_t> inputs) {
    const auto& shape = convolution.shape;
    std::vector<int8_t> weight;
    for (const float value : RandomValues(WeightsOf(shape))) {
      weight.push_back(static_cast<int8_t>(value * 100));
    }
    convolution.dtype = DType::kUInt8;
    convolution.input_quantization = kernels::Quantization::ForRange(-1, 1);
    convolution.residual_quantization = kernels::Quantization::ForRange(-1, 1);
    convolution.output_quantization = kernels::Quantization::ForRange(-1, 1);
    kernels::RequantizationParameters parameters;
    parameters.input_zero_point = static_cast<uint8_t>(convolution.input_quantization.zero_point);
    parameters.scale.assign(shape.output_channels, 0.001F);
    parameters.offset.assign(shape.output_channels, 100.0F);
    parameters.residual_scale = convolution.has_residual ? 0.5F : 0;
    const auto algorithm = *Int8KernelConvolution(weight.data(), shape, parameters).Describe();
    return Add(Convolution{convolution, {algorithm, algorithm}}, std::move(inputs));
  }

  int64_t AddLinear(int64_t inputs, int64_t outputs, bool is_bfloat16, int64_t input) {
    const auto weight = RandomValues(inputs * outputs);
    LinearStep step(weight.data(), RandomBuffer(outputs), inputs, outputs);
    if (is_bfloat16) step.ConvertToBFloat16();
    return Add(*step.Describe(), {input});
  }

  NetworkDescription Build(std::vector<int64_t> outputs) {
    network_.method = "forward";
    network_.values = value_ + 1;
    network_.returns_sequence = outputs.size() > 1;
    network_.outputs = std::move(outputs);
    network_.sub_batch = 2;
    return std::move(network_);
  }

 private:
  NetworkDescription network_;
  int64_t value_ = 0;
};

FusedConvolution Fused(kernels::ConvolutionShape shape, bool has_residual = false) {
  return {.shape = shape, .has_residual = has_residual, .relu = true};
}

NetworkDescription FloatNetwork() {
  using kernels::ActivationKind;
  Builder builder("float32");
  auto stem = Fused({3, 32, 1, {7, 7}, {2, 2}, {3, 3}});
  stem.max_pool = kernels::MaxPool{3, 2, 1};
  const auto first = builder.AddFloat(stem, FloatKernel::kDirect, FloatKernel::kDirect, {0});
  const auto wide = builder.AddFloat(Fused({32, 64, 1, {1, 1}, {1, 1}, {0, 0}}),
                                     FloatKernel::kPointwise, FloatKernel::kPointwise, {first});
  const auto winograd =
      builder.AddFloat(Fused({64, 64, 1, {3, 3}, {1, 1}, {1, 1}}, true), FloatKernel::kWinograd4x4,
                       FloatKernel::kWinograd2x2, {wide, wide});
  const auto grouped = builder.AddFloat(Fused({64, 64, 8, {3, 3}, {1, 1}, {1, 1}}),
                                        FloatKernel::kGrouped, FloatKernel::kGrouped, {winograd});
  auto dilated = Fused({64, 64, 64, {3, 3}, {1, 1}, {2, 2}, {2, 2}});
  dilated.relu = false;
  dilated.activation = {.kind = ActivationKind::kSilu};
  const auto depthwise =
      builder.AddFloat(dilated, FloatKernel::kDepthwise, FloatKernel::kDepthwise, {grouped});
  const auto both = builder.Add(Concatenation{1}, {depthwise, winograd});
  const auto affine = builder.Add(Affine{RandomBuffer(128), RandomBuffer(128), {}}, {both});
  const auto pooled = builder.Add(kernels::AveragePool{{2, 2}, {1, 1}, {1, 1}, true}, {affine});
  const auto max = builder.Add(kernels::MaxPool{2, 2, 0}, {pooled});
  const auto gate = builder.Add(GlobalAveragePool{true}, {max});
  const auto activated = builder.Add(kernels::Activation{.kind = ActivationKind::kSigmoid}, {gate});
  const auto gated =
      builder.Add(Binary{kernels::BinaryOperation::kMultiply, {}, {}}, {max, activated});
  const auto pixels = builder.Add(Permutation{{0, 2, 3, 1}}, {gated});
  const auto normed =
      builder.Add(LayerNorm{128, RandomBuffer(128), RandomBuffer(128), 1e-5}, {pixels});
  const auto images = builder.Add(Permutation{{0, 3, 1, 2}}, {normed});
  const auto shifted = builder.Add(
      Binary{kernels::BinaryOperation::kAdd, RandomBuffer(128), {1, 128, 1, 1}}, {images});
  const auto same = builder.Add(Identity(), {shifted});
  const auto rows = builder.Add(Flattening(), {builder.Add(GlobalAveragePool{true}, {same})});
  return builder.Build({builder.AddLinear(128, 10, false, rows), winograd});
}

template <class AddConvolution>
NetworkDescription DotNetwork(Builder builder, const AddConvolution& add) {
  auto stem = Fused({3, 64, 1, {3, 3}, {2, 2}, {1, 1}});
  stem.max_pool = kernels::MaxPool{3, 2, 1};
  const auto first = add(builder, stem, {0});
  const auto sum = add(builder, Fused({64, 64, 1, {3, 3}, {1, 1}, {1, 1}}, true), {first, first});
  const auto wide = add(builder, Fused({64, 128, 1, {1, 1}, {1, 1}, {0, 0}}), {sum});
  const auto rows = builder.Add(GlobalAveragePool{false}, {wide});
  return builder.Build({builder.AddLinear(128, 10, true, rows)});
}

}  // namespace

std::vector<NetworkDescription> ExampleNetworks() {
  const kernels::ConvolutionShape shape{3, 64, 1, {3, 3}, {2, 2}, {1, 1}};
  std::vector<NetworkDescription> networks{FloatNetwork()};
  if (Supports(BFloat16Kernel::kDirect, shape)) {
    networks.push_back(DotNetwork(Builder("bfloat16"), [](Builder& builder, FusedConvolution one,
                                                          std::vector<int64_t> inputs) {
      return builder.AddBFloat16(one, std::move(inputs));
    }));
  }
  if (kernels::Int8Convolution::SupportsShape(shape)) {
    networks.push_back(DotNetwork(
        Builder("int8"), [](Builder& builder, FusedConvolution one, std::vector<int64_t> inputs) {
          return builder.AddInt8(one, std::move(inputs));
        }));
  }
  return networks;
}

Tensor ExampleImages(int64_t count) {
  auto images = Tensor::Empty({count, 3, kSide, kSide}, DType::kFloat32);
  const auto values = RandomValues(images.numel());
  std::copy(values.begin(), values.end(), images.mutable_data<float>());
  return images;
}
