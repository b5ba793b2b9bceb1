#pragma once
#include <array>
#include <optional>
#include <string_view>

#include "engine/step.h"

namespace semisup::plan {

// How a convolution is computed. kDirect is the direct kernel of the plan's precision, and
// kWinograd2x2 that of float32 or bfloat16; all others except oneDNN are float32 only.
enum class Algorithm {
  kOneDnn,
  kDirect,
  kPointwise,
  kGrouped,
  kDepthwise,
  kWinograd2x2,
  kWinograd4x4
};

inline constexpr std::array kAlgorithms{
    Algorithm::kOneDnn, Algorithm::kGrouped,     Algorithm::kDepthwise,  Algorithm::kPointwise,
    Algorithm::kDirect, Algorithm::kWinograd2x2, Algorithm::kWinograd4x4};

using engine::ExecutionMode;

// E.g. "winograd4x4", as ConvolutionAlgorithm in src/torch/plan-choices.ts.
std::string_view NameOf(Algorithm algorithm);
std::optional<Algorithm> AlgorithmFromName(std::string_view name);

}  // namespace semisup::plan
