#include "convolution.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace semisup::plan {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;

// oneDNN's fused convolutions, which torch.compile uses too; registered by LibTorch under these
// names.
const auto& Pointwise() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                            at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                            std::string_view, Scalars, std::optional<std::string_view>)>();
  return op;
}

const auto& PointwiseAdd() {
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

const auto& Reorder() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_reorder_convolution_weight", "")
          .typed<at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                            int64_t, at::OptionalIntArrayRef)>();
  return op;
}

bool IsAll(const std::vector<int64_t>& values, int64_t value) {
  return values == std::vector<int64_t>{value, value};
}

}  // namespace

at::Tensor Writable(at::Tensor tensor) {
  const bool is_ours = tensor.use_count() == 1 && tensor.storage().use_count() == 1;
  return is_ours ? std::move(tensor) : tensor.clone();
}

Convolution::Convolution(ConvolutionSpec spec, at::ScalarType dtype) : spec_(std::move(spec)) {
  spec_.weight = spec_.weight.to(dtype).contiguous();
  if (spec_.bias.defined()) spec_.bias = spec_.bias.to(dtype).contiguous();
}

at::Tensor Convolution::Run(const at::Tensor& input, at::Tensor other, Setting setting,
                            at::Tensor& packed) {
  const bool is_apart = spec_.adds && Broadcasts(input, other);
  if (spec_.adds && !is_apart) other = other.contiguous(at::MemoryFormat::ChannelsLast);
  if (!is_apart && algorithm(setting) == Algorithm::kWinograd) return RunWinograd(input, other);
  if (!packed.defined()) packed = Pack(input);
  if (is_apart) return RunApart(input, other, packed);
  return RunDirect(input, std::move(other), packed);
}

std::vector<int64_t> Convolution::OutputSizes(const at::Tensor& input) const {
  std::vector<int64_t> sizes{input.size(0), spec_.weight.size(0), 0, 0};
  for (int side = 0; side < 2; side++) {
    const int64_t reach = spec_.dilation[side] * (spec_.weight.size(2 + side) - 1) + 1;
    const int64_t padded = input.size(2 + side) + 2 * spec_.padding[side];
    sizes[2 + side] = (padded - reach) / spec_.stride[side] + 1;
  }
  return sizes;
}

bool Convolution::Takes(Algorithm algorithm) const {
  if (algorithm == Algorithm::kDirect) return true;
  const auto& w = spec_.weight;
  return w.scalar_type() == at::kFloat && spec_.bias.defined() && w.size(2) == 3 &&
         w.size(3) == 3 && spec_.groups == 1 && IsAll(spec_.stride, 1) && IsAll(spec_.padding, 1) &&
         IsAll(spec_.dilation, 1) && Winograd::Takes(w.size(1), w.size(0));
}

void Convolution::Choose(Setting setting, Algorithm algorithm) {
  if (algorithm == Algorithm::kWinograd && !winograd_) {
    winograd_ = std::make_unique<Winograd>(spec_.weight.const_data_ptr<float>(),
                                           spec_.weight.size(1), spec_.weight.size(0));
  }
  algorithms_[Index(setting)] = algorithm;
}

void Convolution::Trim() {
  if (std::count(algorithms_.begin(), algorithms_.end(), Algorithm::kWinograd) == 0) {
    winograd_.reset();
  }
}

at::Tensor Convolution::Pack(const at::Tensor& input) const {
  return Reorder().call(spec_.weight, spec_.padding, spec_.stride, spec_.dilation, spec_.groups,
                        input.sizes());
}

at::Tensor Convolution::RunDirect(const at::Tensor& input, at::Tensor other,
                                  const at::Tensor& packed) {
  const auto& [_, bias, stride, padding, dilation, groups, adds, rectifies] = spec_;
  if (!adds) {
    return Pointwise().call(input, packed, bias, padding, stride, dilation, groups,
                            rectifies ? "relu" : "none", Scalars(), "");
  }
  auto sum = Writable(std::move(other));
  PointwiseAdd().call(sum, input, packed, bias, padding, stride, dilation, groups, "add", 1.0,
                      rectifies ? std::make_optional<std::string_view>("relu") : std::nullopt,
                      Scalars(), "");
  return sum;
}

at::Tensor Convolution::RunApart(const at::Tensor& input, const at::Tensor& other,
                                 const at::Tensor& packed) {
  const auto& [_, bias, stride, padding, dilation, groups, adds, rectifies] = spec_;
  const auto product = Pointwise().call(input, packed, bias, padding, stride, dilation, groups,
                                        "none", Scalars(), "");
  const auto sum = at::add(product, other);
  return rectifies ? at::relu(sum) : sum;
}

at::Tensor Convolution::RunWinograd(const at::Tensor& input, const at::Tensor& other) {
  const auto images = input.contiguous(at::MemoryFormat::ChannelsLast);
  auto output = at::empty({images.size(0), spec_.weight.size(0), images.size(2), images.size(3)},
                          images.options(), at::MemoryFormat::ChannelsLast);
  winograd_->Run({.input = images.const_data_ptr<float>(),
                  .bias = spec_.bias.const_data_ptr<float>(),
                  .other = other.defined() ? other.const_data_ptr<float>() : nullptr,
                  .output = output.data_ptr<float>(),
                  .count = images.size(0),
                  .height = images.size(2),
                  .width = images.size(3),
                  .rectify = spec_.rectifies});
  return output;
}

}  // namespace semisup::plan
