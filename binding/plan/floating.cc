#include "floating.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "arena.h"
#include "grouped.h"
#include "pointwise.h"
#include "windowed.h"
#include "winograd.h"

namespace semisup::plan {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;

// oneDNN's fused convolutions, which torch.compile uses too; registered by LibTorch under these
// names.
const auto& Fused() {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                            at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                            std::string_view, Scalars, std::optional<std::string_view>)>();
  return op;
}

const auto& FusedAdd() {
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

}  // namespace

FloatingConvolution::FloatingConvolution(ConvolutionSpec spec, at::ScalarType dtype)
    : Convolution(std::move(spec)) {
  spec_.weight = spec_.weight.to(dtype).contiguous();
  if (spec_.bias.defined()) spec_.bias = spec_.bias.to(dtype).contiguous();
}

at::Tensor FloatingConvolution::Run(const at::Tensor& input, at::Tensor other, Setting setting,
                                    at::Tensor& packed) const {
  CheckChannels(input);
  const auto kernel = kernels_.find(algorithm(setting));
  const bool is_direct = kernel == kernels_.end();
  if (is_direct && !packed.defined()) packed = Pack(input);
  if (spec_.adds && Broadcasts(input, other)) {
    const auto product = is_direct ? RunDirect(input, {}, false, packed)
                                   : RunKernel(input, {}, false, *kernel->second);
    const auto sum = at::add(product, other);
    return spec_.rectifies ? at::relu(sum) : sum;
  }
  if (spec_.adds) other = other.contiguous(at::MemoryFormat::ChannelsLast);
  const bool pools = spec_.pooling && !is_direct && kernel->second->Pools();
  const auto output = is_direct ? RunDirect(input, std::move(other), spec_.rectifies, packed)
                                : RunKernel(input, other, spec_.rectifies, *kernel->second);
  return spec_.pooling && !pools ? MaxPool(output, *spec_.pooling) : output;
}

bool FloatingConvolution::Takes(Algorithm algorithm) const {
  if (algorithm == Algorithm::kDirect) return true;
  if (spec_.weight.scalar_type() != at::kFloat || spec_.IsDilated()) return false;
  const auto shape = spec_.shape();
  switch (algorithm) {
    case Algorithm::kGrouped:
      return Grouped::Takes(shape);
    case Algorithm::kPointwise:
      return Pointwise::Takes(shape);
    case Algorithm::kWindowed:
      return Windowed::Takes(shape);
    case Algorithm::kWinograd2:
    case Algorithm::kWinograd4:
      return spec_.bias.defined() && Winograd::Takes(shape);
    default:
      return false;
  }
}

std::unique_ptr<const Kernel> FloatingConvolution::KernelOf(Algorithm algorithm) const {
  const auto shape = spec_.shape();
  const auto* weight = spec_.weight.const_data_ptr<float>();
  switch (algorithm) {
    case Algorithm::kGrouped:
      return std::make_unique<Grouped>(weight, shape);
    case Algorithm::kPointwise:
      return std::make_unique<Pointwise>(weight, shape.inputs, shape.outputs);
    case Algorithm::kWindowed:
      return std::make_unique<Windowed>(spec_.weight, shape);
    case Algorithm::kWinograd2:
      return std::make_unique<Winograd>(weight, shape, 2);
    default:
      return std::make_unique<Winograd>(weight, shape, 4);
  }
}

void FloatingConvolution::Prepare(Algorithm algorithm) {
  if (kernels_.count(algorithm)) return;
  CheckWeights();
  if (algorithm != Algorithm::kDirect) kernels_.emplace(algorithm, KernelOf(algorithm));
}

void FloatingConvolution::Free() {
  std::erase_if(kernels_, [this](const auto& kernel) { return !IsChosen(kernel.first); });
}

at::Tensor FloatingConvolution::Pack(const at::Tensor& input) const {
  // These weights stay.
  const ArenaScope no_arena(nullptr);
  return Reorder().call(spec_.weight, spec_.padding, spec_.stride, spec_.dilation, spec_.groups,
                        input.sizes());
}

at::Tensor FloatingConvolution::RunDirect(const at::Tensor& input, at::Tensor other, bool rectifies,
                                          const at::Tensor& packed) const {
  const auto taken = input.contiguous(at::MemoryFormat::ChannelsLast);
  const auto& [_, bias, stride, padding, dilation, groups, adds, __, ___] = spec_;
  if (!other.defined()) {
    return Fused().call(taken, packed, bias, padding, stride, dilation, groups,
                        rectifies ? "relu" : "none", Scalars(), "");
  }
  auto sum = Writable(std::move(other));
  FusedAdd().call(sum, taken, packed, bias, padding, stride, dilation, groups, "add", 1.0,
                  rectifies ? std::make_optional<std::string_view>("relu") : std::nullopt,
                  Scalars(), "");
  return sum;
}

at::Tensor FloatingConvolution::RunKernel(const at::Tensor& input, const at::Tensor& other,
                                          bool rectifies, const Kernel& kernel) const {
  const auto sizes = OutputSizes(input);
  auto taken = input;
  for (int side = 0; kernel.SkipsPixels() && side < 2; side++) {
    const int64_t step = spec_.stride[side];
    if (step > 1) taken = taken.slice(2 + side, 0, std::nullopt, step);
  }
  const bool are_planes = kernel.TakesPlanes() && ArePlanes(taken);
  if (!are_planes) taken = taken.contiguous(at::MemoryFormat::ChannelsLast);
  auto output = other.defined() && IsOurs(other)
                    ? other
                    : at::empty(kernel.Pools() ? PooledSizes(sizes) : sizes, input.options(),
                                at::MemoryFormat::ChannelsLast);
  kernel.Run({.input = taken.const_data_ptr<float>(),
              .bias = spec_.bias.defined() ? spec_.bias.const_data_ptr<float>() : nullptr,
              .other = other.defined() ? other.const_data_ptr<float>() : nullptr,
              .output = output.data_ptr<float>(),
              .count = sizes[0],
              .height = sizes[2],
              .width = sizes[3],
              .input_height = taken.size(2),
              .input_width = taken.size(3),
              .rectify = rectifies,
              .pooling = spec_.pooling && kernel.Pools() ? &*spec_.pooling : nullptr,
              .are_planes = are_planes});
  return output;
}

}  // namespace semisup::plan
