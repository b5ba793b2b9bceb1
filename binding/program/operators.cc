#include "program/operators.h"

#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/jit/ir/constants.h>

#include <map>
#include <set>
#include <string>
#include <utility>

namespace semisup::program {
namespace {

using torch::jit::Node;

// A single number applies to both dimensions.
std::vector<int64_t> ToPair(const c10::IValue& value) {
  auto numbers = value.toIntVector();
  if (numbers.size() == 1) numbers.push_back(numbers[0]);
  return numbers;
}

// The padding of a convolution, which may be the name "same" or "valid". nullopt if it differs
// between two opposite sides.
std::optional<std::vector<int64_t>> PaddingOf(const c10::IValue& padding, const at::Tensor& weight,
                                              const std::vector<int64_t>& dilation) {
  if (!padding.isString()) return ToPair(padding);
  std::vector<int64_t> sides{0, 0};
  if (padding.toStringRef() == "valid") return sides;
  for (int dim = 0; dim < 2; dim++) {
    const int64_t total = dilation[dim] * (weight.size(2 + dim) - 1);
    if (total % 2 != 0) return std::nullopt;
    sides[dim] = total / 2;
  }
  return sides;
}

// Whether all inputs but the first are constants.
bool HasConstantInputs(const Node* node) {
  for (size_t i = 1; i < node->inputs().size(); i++) {
    if (!ConstantInput(node, i)) return false;
  }
  return true;
}

// A constant float32 tensor; undefined for anything else.
at::Tensor TensorInput(const Node* node, size_t input) {
  const auto constant = ConstantInput(node, input);
  const bool is_float = constant && constant->isTensor() && IsPlainFloat(constant->toTensor());
  return is_float ? constant->toTensor() : at::Tensor();
}

std::optional<float> FloatInput(const Node* node, size_t input) {
  const auto constant = ConstantInput(node, input);
  if (!constant || !constant->isScalar()) return std::nullopt;
  return static_cast<float>(constant->toScalar().toDouble());
}

// Square windows without dilation only.
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

std::optional<kernels::AveragePool> MatchAveragePool(const Node* node) {
  if (!Is(node, "aten::avg_pool2d") || !HasConstantInputs(node)) return std::nullopt;
  const bool has_stride = !ConstantInput(node, 2)->toIntVector().empty();
  const auto pair = [&](size_t input) {
    const auto numbers = ToPair(*ConstantInput(node, input));
    return kernels::HeightWidth{numbers[0], numbers[1]};
  };
  const bool rounds_up = ConstantInput(node, 4)->toBool();
  const bool has_divisor = !ConstantInput(node, 6)->isNone();
  if (rounds_up || has_divisor) return std::nullopt;
  // The stride defaults to the kernel's size.
  return kernels::AveragePool{.kernel = pair(1),
                              .stride = pair(has_stride ? 2 : 1),
                              .padding = pair(3),
                              .counts_padding = ConstantInput(node, 5)->toBool()};
}

std::optional<kernels::Activation> MatchActivation(const Node* node) {
  using kernels::ActivationKind;
  static const std::map<std::string, ActivationKind> kinds = {
      {"aten::relu", ActivationKind::kRelu},
      {"aten::sigmoid", ActivationKind::kSigmoid},
      {"aten::silu", ActivationKind::kSilu},
      {"aten::hardsigmoid", ActivationKind::kHardsigmoid},
      {"aten::hardswish", ActivationKind::kHardswish}};
  if (const auto found = kinds.find(node->kind().toQualString()); found != kinds.end()) {
    return kernels::Activation{.kind = found->second};
  }
  if (Is(node, "aten::relu6")) return kernels::Activation{ActivationKind::kClamp, 0, 6};
  if (Is(node, "aten::hardtanh")) {
    const auto low = FloatInput(node, 1);
    const auto high = FloatInput(node, 2);
    if (!low || !high) return std::nullopt;
    return kernels::Activation{ActivationKind::kClamp, *low, *high};
  }
  if (!Is(node, "aten::gelu") || !HasConstantInputs(node)) return std::nullopt;
  const bool is_approximate = ConstantInput(node, 1)->toStringRef() == "tanh";
  return kernels::Activation{.kind = is_approximate ? ActivationKind::kGeluTanh
                                                    : ActivationKind::kGelu};
}

// A tensor or a number, as a float32 tensor.
at::Tensor OperandOf(const c10::IValue& constant) {
  if (constant.isScalar()) return at::scalar_tensor(constant.toScalar(), at::kFloat);
  const bool is_float = constant.isTensor() && IsPlainFloat(constant.toTensor());
  return is_float ? constant.toTensor() : at::Tensor();
}

std::optional<BinarySpec> MatchBinary(const Node* node) {
  using kernels::BinaryOperation;
  const bool is_subtraction = Is(node, "aten::sub");
  const bool is_product = Is(node, "aten::mul");
  if (!is_subtraction && !is_product && !Is(node, "aten::add")) return std::nullopt;
  if (!is_product) {
    // The factor of the second operand.
    const auto alpha = ConstantInput(node, 2);
    if (!alpha || !alpha->isScalar() || !alpha->toScalar().equal(1)) return std::nullopt;
  }
  auto operation = is_product       ? BinaryOperation::kMultiply
                   : is_subtraction ? BinaryOperation::kSubtract
                                    : BinaryOperation::kAdd;
  for (const size_t input : {0, 1}) {
    const auto constant = ConstantInput(node, input);
    if (!constant) continue;
    const auto operand = OperandOf(*constant);
    if (!operand.defined()) return std::nullopt;
    if (is_subtraction && input == 0) operation = BinaryOperation::kReverseSubtract;
    return BinarySpec{operation, operand.contiguous()};
  }
  return BinarySpec{operation, at::Tensor()};
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
  if (is_transposed || weight.dim() != 4 || !IsPlainFloat(weight)) return std::nullopt;
  if (!bias.isNone() && !IsPlainFloat(bias.toTensor())) return std::nullopt;
  const auto dilation = ToPair(*ConstantInput(node, 5));
  const auto padding = PaddingOf(*ConstantInput(node, 4), weight, dilation);
  if (!padding) return std::nullopt;
  return ConvolutionSpec{.weight = weight,
                         .bias = bias.isNone() ? at::Tensor() : bias.toTensor(),
                         .stride = ToPair(*ConstantInput(node, 3)),
                         .padding = *padding,
                         .dilation = dilation,
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

std::optional<GlobalAveragePool> MatchGlobalAveragePool(const Node* node) {
  if (Is(node, "aten::adaptive_avg_pool2d")) {
    const auto size = ConstantInput(node, 1);
    const bool is_global = size && ToPair(*size) == std::vector<int64_t>{1, 1};
    return is_global ? std::make_optional(GlobalAveragePool{true}) : std::nullopt;
  }
  if (!Is(node, "aten::mean") || node->inputs().size() != 4 || !HasConstantInputs(node)) {
    return std::nullopt;
  }
  if (!ConstantInput(node, 1)->isIntList() || !ConstantInput(node, 3)->isNone()) {
    return std::nullopt;
  }
  std::set<int64_t> dimensions;
  for (const int64_t one : ConstantInput(node, 1)->toIntVector()) dimensions.insert((one + 4) % 4);
  if (dimensions != std::set<int64_t>{2, 3}) return std::nullopt;
  return GlobalAveragePool{ConstantInput(node, 2)->toBool()};
}

std::optional<AffineSpec> MatchBatchNorm(const Node* node) {
  if (!Is(node, "aten::batch_norm") || !HasConstantInputs(node)) return std::nullopt;
  const auto mean = TensorInput(node, 3);
  const auto variance = TensorInput(node, 4);
  const bool is_training = ConstantInput(node, 5)->toBool();
  if (is_training || !mean.defined() || !variance.defined()) return std::nullopt;
  const auto weight = TensorInput(node, 1);
  const auto bias = TensorInput(node, 2);
  auto scale = variance.to(at::kDouble).add(ConstantInput(node, 7)->toDouble()).rsqrt();
  if (weight.defined()) scale = scale.mul(weight);
  auto shift = scale.mul(mean).neg();
  if (bias.defined()) shift = shift.add(bias);
  return AffineSpec{scale.to(at::kFloat).contiguous(), shift.to(at::kFloat).contiguous()};
}

std::optional<LayerNormSpec> MatchLayerNorm(const Node* node) {
  if (!Is(node, "aten::layer_norm") || !HasConstantInputs(node)) return std::nullopt;
  const auto shape = ConstantInput(node, 1)->toIntVector();
  if (shape.size() != 1) return std::nullopt;
  const auto dense = [&](size_t input) {
    const auto tensor = TensorInput(node, input);
    return tensor.defined() ? tensor.contiguous() : tensor;
  };
  return LayerNormSpec{shape[0], dense(2), dense(3), ConstantInput(node, 4)->toDouble()};
}

std::optional<Concatenation> MatchConcatenation(const Node* node) {
  const auto dimension = ConstantInput(node, 1);
  const bool is_list =
      Is(node, "aten::cat") && node->input(0)->node()->kind() == c10::prim::ListConstruct;
  return is_list && dimension ? std::make_optional(Concatenation{dimension->toInt()})
                              : std::nullopt;
}

std::optional<Identity> MatchIdentity(const Node* node) {
  const bool is_dropout = Is(node, "aten::dropout") || Is(node, "aten::feature_dropout");
  const bool is_inactive = is_dropout && ConstantInput(node, 2) == c10::IValue(false);
  // Contiguous elements are values like others.
  return is_inactive || Is(node, "aten::contiguous") ? std::make_optional(Identity())
                                                     : std::nullopt;
}

std::optional<Permutation> MatchPermutation(const Node* node) {
  const auto order = Is(node, "aten::permute") ? ConstantInput(node, 1) : std::nullopt;
  if (!order || !order->isIntList() || order->toIntVector().size() != 4) return std::nullopt;
  Permutation permutation;
  for (const int64_t one : order->toIntVector()) permutation.order.push_back((one + 4) % 4);
  return permutation;
}

std::optional<Flattening> MatchFlattening(const Node* node) {
  if (!Is(node, "aten::flatten") || ConstantInput(node, 1) != c10::IValue(1)) return std::nullopt;
  const auto end = ConstantInput(node, 2);
  const bool is_whole = end == c10::IValue(-1) || end == c10::IValue(3);
  return is_whole ? std::make_optional(Flattening()) : std::nullopt;
}

Computation ComputationOf(const Node* node) {
  Computation computation;
  const auto match = [&](auto found) {
    if (found) computation = std::move(*found);
    return found.has_value();
  };
  match(MatchLinear(node)) || match(MatchGlobalAveragePool(node)) || match(MatchBinary(node)) ||
      match(MatchBatchNorm(node)) || match(MatchLayerNorm(node)) ||
      match(MatchConcatenation(node)) || match(MatchIdentity(node)) ||
      match(MatchPermutation(node)) || match(MatchFlattening(node)) ||
      match(MatchActivation(node)) || match(MatchAveragePool(node)) || match(MatchMaxPool(node));
  return computation;
}

std::vector<const torch::jit::Value*> OperandsOf(const Node* node) {
  const auto* source = MatchConcatenation(node) ? node->input(0)->node() : node;
  const auto values = source->inputs();
  return {values.begin(), values.end()};
}

}  // namespace semisup::program
