#include "network.h"

#include <ATen/ops/add.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/cudnn_convolution_add_relu.h>
#include <ATen/ops/cudnn_convolution_relu.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <utility>

#include "math_mode.h"

namespace semisup::gpu {
namespace {

std::optional<at::Tensor> Optional(const at::Tensor& tensor) {
  return tensor.defined() ? std::make_optional(tensor) : std::nullopt;
}

// Of what a convolution gives for `input`.
std::vector<int64_t> SizesAfter(const plan::ConvolutionSpec& spec, const at::Tensor& input) {
  std::vector<int64_t> sizes{input.size(0), spec.weight.size(0)};
  for (int i = 0; i < 2; i++) {
    const int64_t reach = spec.dilation[i] * (spec.weight.size(2 + i) - 1) + 1;
    sizes.push_back((input.size(2 + i) + 2 * spec.padding[i] - reach) / spec.stride[i] + 1);
  }
  return sizes;
}

at::Tensor Convolve(const plan::ConvolutionSpec& spec, const at::Tensor& input,
                    const at::Tensor& other, Fusion fusion) {
  const bool fused = fusion != Fusion::kNone;
  if (fused && spec.rectifies && !spec.adds) {
    // The output takes the memory of what was freed last.
    if (fusion == Fusion::kFusedWithTraps) at::full(SizesAfter(spec, input), NAN, input.options());
    return at::cudnn_convolution_relu(input, spec.weight, Optional(spec.bias), spec.stride,
                                      spec.padding, spec.dilation, spec.groups);
  }
  if (fused && spec.rectifies && other.sizes() == at::IntArrayRef(SizesAfter(spec, input))) {
    return at::cudnn_convolution_add_relu(input, spec.weight, other, 1, Optional(spec.bias),
                                          spec.stride, spec.padding, spec.dilation, spec.groups);
  }
  auto output = at::convolution(input, spec.weight, Optional(spec.bias), spec.stride, spec.padding,
                                spec.dilation, /*transposed=*/false, {0, 0}, spec.groups);
  if (spec.adds) output = at::add(output, other);
  return spec.rectifies ? output.relu_() : output;
}

at::Tensor PerChannel(const std::array<float, 3>& numbers, c10::Device device) {
  return at::tensor(at::ArrayRef<float>(numbers), at::kFloat).view({1, 3, 1, 1}).to(device);
}

}  // namespace

Normaliser::Normaliser(const Normalisation& normalisation, c10::Device device) {
  std::array<float, 3> scale, shift;
  for (size_t i = 0; i < scale.size(); i++) {
    scale[i] = static_cast<float>(1 / (255.0 * normalisation.std[i]));
    shift[i] = -normalisation.mean[i] / normalisation.std[i];
  }
  scale_ = PerChannel(scale, device);
  shift_ = PerChannel(shift, device);
}

at::Tensor Normaliser::operator()(const at::Tensor& images) const {
  if (images.scalar_type() != at::kByte) return images;
  // Pixels lie channels-last as they are.
  return at::addcmul(shift_, images.permute({0, 3, 1, 2}).to(at::kFloat), scale_);
}

Network::Network(plan::Program program, c10::Device device, Arithmetic arithmetic,
                 const Normalisation& normalisation)
    : arithmetic_(arithmetic),
      normalise_(normalisation, device),
      constants_(std::move(program.constants)),
      input_(program.input),
      output_(program.output) {
  const auto moved = [&](const at::Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    // Converted first: a copy to the device is there when it returns, and a conversion there may
    // not.
    return tensor.to(tensor.is_floating_point() ? arithmetic.dtype : tensor.scalar_type())
        .to(device);
  };
  for (auto& constant : constants_) {
    if (constant.isTensor()) constant = moved(constant.toTensor());
  }
  for (auto& instruction : program.instructions) {
    Step step;
    step.inputs = std::move(instruction.inputs);
    step.output = instruction.output;
    step.last_uses = std::move(instruction.last_uses);
    if (instruction.convolution) {
      step.convolution = std::move(instruction.convolution);
      auto& [weight, bias, stride, padding, dilation, groups, adds, rectifies, _] =
          *step.convolution;
      weight = moved(weight.contiguous(at::MemoryFormat::ChannelsLast));
      bias = moved(bias);
    } else {
      step.operation = instruction.node->getOperation();
    }
    steps_.push_back(std::move(step));
  }
}

at::Tensor Network::Run(const at::Tensor& images, Fusion fusion, bool by_measurement) const {
  const MathMode mode(arithmetic_.tf32, by_measurement);
  auto values = constants_;
  values[input_] =
      normalise_(images).to(arithmetic_.dtype).contiguous(at::MemoryFormat::ChannelsLast);
  for (const auto& step : steps_) {
    torch::jit::Stack stack;
    for (const int value : step.inputs) stack.push_back(values[value]);
    for (const int value : step.last_uses) values[value] = {};
    if (step.convolution) {
      const auto other = stack.size() > 1 ? stack[1].toTensor() : at::Tensor();
      values[step.output] = Convolve(*step.convolution, stack[0].toTensor(), other, fusion);
    } else {
      step.operation(stack);
      values[step.output] = std::move(stack.back());
    }
  }
  return values[output_].toTensor().to(at::kFloat).contiguous();
}

}  // namespace semisup::gpu
