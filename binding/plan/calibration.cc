#include <utility>

#include "plan.h"
#include "quantized.h"

namespace semisup::plan {
namespace {

// Of 1 to 2.5 the one of the least error in the logits of a ResNet-50 on photos.
constexpr double kHeadroom = 1.5;

}  // namespace

void Plan::Quantize(const at::Tensor& images) {
  struct Range {
    double least = 0;
    double most = 0;
  };
  // Of the extremes of each image the mean, because one odd image, or one odd pixel, should not
  // coarsen all; and room beyond, because what is cut off harms more than what is coarse.
  std::vector<Range> ranges(constants_.size());
  const auto observe = [&](int value, const at::Tensor& tensor) {
    if (!tensor.is_floating_point()) return;
    const auto rows = tensor.flatten(1);
    ranges[value] = {kHeadroom * rows.amin(1).mean().item<double>(),
                     kHeadroom * rows.amax(1).mean().item<double>()};
  };
  auto values = Start(images);
  Packed packed{Setting::kAlone, std::vector<at::Tensor>(steps_.size())};
  ranges[input_] = {images.min().item<double>(), images.max().item<double>()};
  for (size_t i = 0; i < steps_.size(); i++) {
    const auto& step = steps_[i];
    if (step.convolution && step.inputs.size() > 1 &&
        step.convolution->Broadcasts(values[step.inputs[0]].toTensor(),
                                     values[step.inputs[1]].toTensor())) {
      throw Unplannable("it adds tensors of different shapes");
    }
    RunStep(i, values, packed);
    const auto& value = values[step.output];
    if (value.isTensor() && value.toTensor().dim() == 4) observe(step.output, value.toTensor());
  }
  const auto quantize = [&](int value) {
    auto& quantization = quantizations_[value];
    if (!quantization) {
      quantization = Quantization::Of(ranges[value].least, ranges[value].most);
    }
    return *quantization;
  };
  convolutions_.clear();
  for (auto& step : steps_) {
    if (step.linear) step.linear->Halve();
    if (!step.convolution) {
      if (!step.pooling) continue;
      quantizations_[step.output] = quantizations_[step.inputs[0]];
      continue;
    }
    const auto input = quantize(step.inputs[0]);
    const auto other =
        step.inputs.size() > 1 ? std::make_optional(quantize(step.inputs[1])) : std::nullopt;
    step.convolution = std::make_unique<QuantizedConvolution>(step.convolution->spec(), input,
                                                              other, quantize(step.output));
    convolutions_.push_back(step.convolution.get());
  }
  is_quantized_ = true;
}

}  // namespace semisup::plan
