#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace semisup {

// The types of a tensor's elements, as DType of src/types.ts.
enum class ElementType : uint8_t {
  kFloat32,
  kFloat64,
  kFloat16,
  kBFloat16,
  kInt8,
  kUInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt16,
  kUInt32,
  kUInt64,
  kComplex64,
  kComplex128,
  kBool
};

// PyTorch's name, e.g. "float32".
const char* NameOf(ElementType type);
int64_t BytesOf(ElementType type);
std::optional<ElementType> ElementTypeFromName(std::string_view name);

}  // namespace semisup
