#include "program/axes.h"

#include <set>
#include <string>
#include <vector>

#include "program/operators.h"

namespace semisup::program {
namespace {

using torch::jit::Node;
using torch::jit::Value;

using Dimensions = std::vector<int64_t>;

// Whether a constant operand is the same for all images of a batch.
bool IsSameForAllImages(const c10::IValue& constant, int rank) {
  if (!constant.isTensor()) return constant.isScalar();
  const auto& tensor = constant.toTensor();
  return IsPlainFloat(tensor) &&
         (tensor.dim() < rank || (tensor.dim() == rank && tensor.size(0) == 1));
}

bool IsArithmetic(const Node* node) {
  return Is(node, "aten::add") || Is(node, "aten::sub") || Is(node, "aten::mul");
}

bool IsElementwise(const Node* node) {
  static const std::set<std::string> kinds = {
      "aten::relu", "aten::relu6", "aten::sigmoid",     "aten::silu",
      "aten::gelu", "aten::tanh",  "aten::hardsigmoid", "aten::hardswish",
      "aten::elu",  "aten::mish",  "aten::leaky_relu",  "aten::hardtanh"};
  return kinds.count(node->kind().toQualString()) > 0;
}

std::optional<Axes> Permuted(const std::vector<int64_t>& order, Axes axes) {
  if (axes == Axes::kImages && order == Dimensions{0, 2, 3, 1}) return Axes::kPixels;
  if (axes == Axes::kPixels && order == Dimensions{0, 3, 1, 2}) return Axes::kImages;
  return std::nullopt;
}

std::optional<Axes> OutputAxesOfImages(const Node* node) {
  static const std::set<std::string> pools = {"aten::max_pool2d", "aten::avg_pool2d",
                                              "aten::adaptive_avg_pool2d"};
  if (pools.count(node->kind().toQualString()) || MatchConvolution(node)) return Axes::kImages;
  if (const auto pool = MatchGlobalAveragePool(node)) {
    return pool->keeps_dimensions ? Axes::kImages : Axes::kRows;
  }
  if (MatchFlattening(node)) return Axes::kRows;
  return std::nullopt;
}

// Of an operator with one operand that depends on the images, the first.
std::optional<Axes> OutputAxes(const Node* node, Axes axes) {
  const bool is_images = axes == Axes::kImages;
  if (IsElementwise(node) || MatchIdentity(node)) return axes;
  if (const auto permutation = MatchPermutation(node)) return Permuted(permutation->order, axes);
  if (MatchBatchNorm(node) && axes != Axes::kPixels) return axes;
  if ((MatchLinear(node) || MatchLayerNorm(node)) && !is_images) return axes;
  return is_images ? OutputAxesOfImages(node) : std::nullopt;
}

// The axes that all values have.
std::optional<Axes> CommonAxes(const std::vector<const Value*>& values, const AxesOfValues& known) {
  std::optional<Axes> common;
  for (const auto* value : values) {
    const auto found = known.find(value);
    if (found == known.end() || (common && *common != found->second)) return std::nullopt;
    common = found->second;
  }
  return common;
}

// A batch cannot be concatenated along its images.
bool IsAlongFeatures(const Concatenation& concatenation, Axes axes) {
  const int64_t rank = RankOf(axes);
  return (concatenation.dimension + rank) % rank == (axes == Axes::kPixels ? 3 : 1);
}

std::optional<Axes> OutputAxesOfArithmetic(const Node* node, const AxesOfValues& known) {
  for (const size_t input : {0, 1}) {
    const auto constant = ConstantInput(node, input);
    if (!constant) continue;
    const auto axes = CommonAxes({node->input(1 - input)}, known);
    return axes && IsSameForAllImages(*constant, RankOf(*axes)) ? axes : std::nullopt;
  }
  return CommonAxes({node->input(0), node->input(1)}, known);
}

}  // namespace

std::optional<Axes> OutputAxes(const Node* node, const AxesOfValues& known) {
  if (node->inputs().empty() || node->outputs().size() != 1) return std::nullopt;
  if (IsArithmetic(node)) return OutputAxesOfArithmetic(node, known);
  if (const auto concatenation = MatchConcatenation(node)) {
    const auto axes = CommonAxes(OperandsOf(node), known);
    return axes && IsAlongFeatures(*concatenation, *axes) ? axes : std::nullopt;
  }
  const auto found = known.find(node->input(0));
  return found == known.end() ? std::nullopt : OutputAxes(node, found->second);
}

}  // namespace semisup::program
