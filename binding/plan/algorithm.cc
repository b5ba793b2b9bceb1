#include "plan/algorithm.h"

namespace semisup::plan {

std::string_view NameOf(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kOneDnn:
      return "onednn";
    case Algorithm::kDirect:
      return "direct";
    case Algorithm::kPointwise:
      return "pointwise";
    case Algorithm::kGrouped:
      return "grouped";
    case Algorithm::kDepthwise:
      return "depthwise";
    case Algorithm::kWinograd2x2:
      return "winograd2x2";
    case Algorithm::kWinograd4x4:
      return "winograd4x4";
  }
  return {};
}

std::optional<Algorithm> AlgorithmFromName(std::string_view name) {
  for (const auto algorithm : kAlgorithms) {
    if (NameOf(algorithm) == name) return algorithm;
  }
  return std::nullopt;
}

}  // namespace semisup::plan
