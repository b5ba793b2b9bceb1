#include "quantized.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <string_view>
#include <utility>

#include "arena.h"

namespace semisup::plan {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;
using Word = std::optional<std::string_view>;

const auto& Prepack() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("onednn::qconv_prepack", "")
          .typed<at::Tensor(at::Tensor, at::Tensor, double, int64_t, c10::List<int64_t>,
                            c10::List<int64_t>, c10::List<int64_t>, int64_t,
                            std::optional<c10::List<int64_t>>)>();
  return op;
}

const auto& Pointwise() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("onednn::qconv2d_pointwise", "")
          .typed<at::Tensor(at::Tensor, double, int64_t, at::Tensor, at::Tensor, at::Tensor,
                            std::optional<at::Tensor>, c10::List<int64_t>, c10::List<int64_t>,
                            c10::List<int64_t>, int64_t, double, int64_t,
                            std::optional<at::ScalarType>, std::string_view, Scalars, Word)>();
  return op;
}

const auto& PointwiseSum() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("onednn::qconv2d_pointwise", "binary")
          .typed<at::Tensor(at::Tensor, double, int64_t, at::Tensor, at::Tensor, at::Tensor,
                            at::Tensor, std::optional<at::Tensor>, c10::List<int64_t>,
                            c10::List<int64_t>, c10::List<int64_t>, int64_t, double, int64_t,
                            std::optional<at::ScalarType>, double, int64_t, std::string_view,
                            std::optional<at::Scalar>, Word, Scalars, Word)>();
  return op;
}

c10::List<int64_t> List(const std::vector<int64_t>& values) {
  return c10::List<int64_t>(at::IntArrayRef(values));
}

}  // namespace

QuantizedConvolution::QuantizedConvolution(const ConvolutionSpec& spec, const Quantization& input,
                                           const std::optional<Quantization>& other,
                                           const Quantization& output)
    : Convolution(spec), input_(input), other_(other), output_(output) {
  const auto largest = spec.weight.abs().amax({1, 2, 3}).clamp_min(1e-12);
  scales_ = largest / 127;
  zero_points_ = at::zeros({spec.weight.size(0)}, at::kLong);
  spec_.weight = at::round(spec.weight / scales_.view({-1, 1, 1, 1})).to(at::kChar).contiguous();
  meaning_ = MeaningOfBytes();
}

at::Tensor QuantizedConvolution::Run(const at::Tensor& input, at::Tensor other, Setting setting,
                                     at::Tensor& packed) const {
  CheckChannels(input);
  // Images may be of another size than those that it was calibrated with.
  if (spec_.adds) {
    TORCH_CHECK(!Broadcasts(input, other), "a tensor of the shape ", other.sizes(),
                " cannot be added to one of the shape ", OutputSizes(input));
  }
  if (algorithm(setting) == Algorithm::kBytes) {
    if (other.defined()) other = other.contiguous(at::MemoryFormat::ChannelsLast);
    return RunBytes(input, other);
  }
  if (!packed.defined()) packed = Pack(input);
  auto output = RunDirect(input, std::move(other), packed);
  return spec_.pooling ? MaxPool(output, *spec_.pooling) : output;
}

bool QuantizedConvolution::Takes(Algorithm algorithm) const {
  return algorithm == Algorithm::kDirect ||
         (algorithm == Algorithm::kBytes && ByteConvolution::Takes(spec_, meaning_));
}

void QuantizedConvolution::Prepare(Algorithm algorithm) {
  if (algorithm == Algorithm::kBytes && bytes_) return;
  CheckWeights();
  if (algorithm == Algorithm::kBytes) {
    bytes_ = std::make_unique<ByteConvolution>(spec_, meaning_);
  }
}

void QuantizedConvolution::Free() {
  if (!IsChosen(Algorithm::kBytes)) bytes_.reset();
}

ByteConvolution::Meaning QuantizedConvolution::MeaningOfBytes() const {
  // A rectified output has its zero at the byte 0, below which there is none.
  ByteConvolution::Meaning meaning;
  meaning.input_zero_point = static_cast<uint8_t>(input_.zero_point);
  meaning.factor = (scales_ * (input_.scale / output_.scale)).contiguous();
  const auto bias = spec_.bias.defined() ? spec_.bias : at::zeros_like(scales_);
  meaning.offset = (bias / output_.scale + output_.zero_point).contiguous();
  if (other_) {
    const double step = other_->scale / output_.scale;
    meaning.offset -= step * static_cast<double>(other_->zero_point);
    meaning.other = static_cast<float>(step);
  }
  return meaning;
}

at::Tensor QuantizedConvolution::Pack(const at::Tensor& input) const {
  // These weights stay.
  const ArenaScope no_arena(nullptr);
  return Prepack().call(spec_.weight, scales_, input_.scale, input_.zero_point, List(spec_.stride),
                        List(spec_.padding), List(spec_.dilation), spec_.groups,
                        List(input.sizes().vec()));
}

at::Tensor QuantizedConvolution::RunBytes(const at::Tensor& input, const at::Tensor& other) const {
  const auto layout = at::MemoryFormat::ChannelsLast;
  const auto sizes = OutputSizes(input);
  auto output = other.defined() && IsOurs(other)
                    ? other
                    : at::empty(PooledSizes(sizes), input.options(), layout);
  bytes_->Run(input.contiguous(layout), other, {sizes[2], sizes[3]},
              spec_.pooling ? &*spec_.pooling : nullptr, output);
  return output;
}

at::Tensor QuantizedConvolution::RunDirect(const at::Tensor& input, at::Tensor other,
                                           const at::Tensor& packed) const {
  const auto bias = spec_.bias.defined() ? std::make_optional(spec_.bias) : std::nullopt;
  const std::string_view follows = spec_.rectifies ? "relu" : "none";
  if (!spec_.adds) {
    return Pointwise().call(input, input_.scale, input_.zero_point, packed, scales_, zero_points_,
                            bias, List(spec_.stride), List(spec_.padding), List(spec_.dilation),
                            spec_.groups, output_.scale, output_.zero_point, at::kByte, follows,
                            Scalars(), "");
  }
  const auto sum = Writable(std::move(other));
  return PointwiseSum().call(input, input_.scale, input_.zero_point, packed, scales_, zero_points_,
                             sum, bias, List(spec_.stride), List(spec_.padding),
                             List(spec_.dilation), spec_.groups, output_.scale, output_.zero_point,
                             at::kByte, other_->scale, other_->zero_point, "sum", 1.0, follows,
                             Scalars(), "");
}

}  // namespace semisup::plan
