#include "tensor/element_type.h"

#include <array>
#include <cstddef>

namespace semisup {
namespace {

struct Properties {
  const char* name;
  int64_t bytes;
};

// In the order of ElementType.
constexpr std::array<Properties, 15> kTypes{{{"float32", 4},
                                             {"float64", 8},
                                             {"float16", 2},
                                             {"bfloat16", 2},
                                             {"int8", 1},
                                             {"uint8", 1},
                                             {"int16", 2},
                                             {"int32", 4},
                                             {"int64", 8},
                                             {"uint16", 2},
                                             {"uint32", 4},
                                             {"uint64", 8},
                                             {"complex64", 8},
                                             {"complex128", 16},
                                             {"bool", 1}}};

}  // namespace

const char* NameOf(ElementType type) { return kTypes[static_cast<size_t>(type)].name; }

int64_t BytesOf(ElementType type) { return kTypes[static_cast<size_t>(type)].bytes; }

std::optional<ElementType> ElementTypeFromName(std::string_view name) {
  for (size_t i = 0; i < kTypes.size(); i++) {
    if (name == kTypes[i].name) return static_cast<ElementType>(i);
  }
  return std::nullopt;
}

}  // namespace semisup
