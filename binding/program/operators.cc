#include "program/operators.h"

#include <torch/csrc/jit/ir/constants.h>

#include <string>

namespace semisup::program {
namespace {

using torch::jit::Node;

// A single number applies to both dimensions.
std::vector<int64_t> ToPair(const c10::IValue& value) {
  auto numbers = value.toIntVector();
  if (numbers.size() == 1) numbers.push_back(numbers[0]);
  return numbers;
}

}  // namespace

bool Is(const Node* node, const char* kind) {
  return node->kind().toQualString() == std::string(kind);
}

bool IsTensor(const torch::jit::Value* value) {
  return value->type()->isSubtypeOf(*c10::TensorType::get());
}

std::optional<c10::IValue> ConstantInput(const Node* node, size_t input) {
  return input < node->inputs().size() ? torch::jit::toIValue(node->input(input)) : std::nullopt;
}

bool IsPlainFloat(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat && tensor.is_cpu() && !tensor.is_quantized();
}

std::optional<ConvolutionSpec> MatchConvolution(const Node* node) {
  const bool is_general = Is(node, "aten::_convolution");
  if (!is_general && !Is(node, "aten::conv2d")) return std::nullopt;
  const size_t count = is_general ? 9 : 7;
  for (size_t i = 1; i < count; i++) {
    if (!ConstantInput(node, i)) return std::nullopt;
  }
  const auto weight = ConstantInput(node, 1)->toTensor();
  const auto bias = *ConstantInput(node, 2);
  const bool is_transposed = is_general && ConstantInput(node, 6)->toBool();
  // The padding may be a string such as "same".
  if (!ConstantInput(node, 4)->isIntList() || is_transposed) return std::nullopt;
  if (weight.dim() != 4 || !IsPlainFloat(weight)) return std::nullopt;
  if (!bias.isNone() && !IsPlainFloat(bias.toTensor())) return std::nullopt;
  return ConvolutionSpec{.weight = weight,
                         .bias = bias.isNone() ? at::Tensor() : bias.toTensor(),
                         .stride = ToPair(*ConstantInput(node, 3)),
                         .padding = ToPair(*ConstantInput(node, 4)),
                         .dilation = ToPair(*ConstantInput(node, 5)),
                         .groups = ConstantInput(node, is_general ? 8 : 6)->toInt()};
}

std::optional<LinearSpec> MatchLinear(const Node* node) {
  if (!Is(node, "aten::linear")) return std::nullopt;
  const auto weight = ConstantInput(node, 1);
  const auto bias = ConstantInput(node, 2);
  if (!weight || !weight->isTensor() || !bias) return std::nullopt;
  if (weight->toTensor().dim() != 2 || !IsPlainFloat(weight->toTensor())) return std::nullopt;
  if (bias->isNone()) return LinearSpec{weight->toTensor(), at::Tensor()};
  if (!IsPlainFloat(bias->toTensor())) return std::nullopt;
  return LinearSpec{weight->toTensor(), bias->toTensor()};
}

std::optional<kernels::MaxPool> MatchMaxPool(const Node* node) {
  if (!Is(node, "aten::max_pool2d")) return std::nullopt;
  for (size_t i = 1; i < 6; i++) {
    if (!ConstantInput(node, i)) return std::nullopt;
  }
  const auto side = [&](size_t input) {
    const auto pair = ToPair(*ConstantInput(node, input));
    return pair.size() == 2 && pair[0] == pair[1] ? pair[0] : -1;
  };
  // The stride defaults to the kernel's size.
  const bool has_stride = !ConstantInput(node, 2)->toIntVector().empty();
  const kernels::MaxPool pool{side(1), side(has_stride ? 2 : 1), side(3)};
  const bool is_supported = side(4) == 1 && !ConstantInput(node, 5)->toBool() && pool.kernel > 0 &&
                            pool.stride > 0 && pool.padding >= 0 && 2 * pool.padding <= pool.kernel;
  return is_supported ? std::make_optional(pool) : std::nullopt;
}

bool IsGlobalAveragePool(const Node* node) {
  if (!Is(node, "aten::adaptive_avg_pool2d")) return false;
  const auto size = ConstantInput(node, 1);
  return size && ToPair(*size) == std::vector<int64_t>{1, 1};
}

}  // namespace semisup::program
