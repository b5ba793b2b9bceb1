#include "runtime/output_selection.h"

namespace semisup {

std::optional<engine::OutputSelection> ReadOutputSelection(Napi::Value value) {
  if (value.IsUndefined()) return std::nullopt;
  const auto indices = value.As<Napi::Array>();
  engine::OutputSelection selected;
  for (uint32_t i = 0; i < indices.Length(); i++) {
    selected.push_back(indices.Get(i).As<Napi::Number>().Uint32Value());
  }
  return selected;
}

}  // namespace semisup
