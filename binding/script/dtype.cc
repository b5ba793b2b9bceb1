#include "script/dtype.h"

#include <array>
#include <utility>

#include "runtime/error.h"

namespace semisup {
namespace {

constexpr std::array<std::pair<const char*, c10::ScalarType>, 15> kDTypes = {{
    {"float32", c10::kFloat},
    {"float64", c10::kDouble},
    {"float16", c10::kHalf},
    {"bfloat16", c10::kBFloat16},
    {"int8", c10::kChar},
    {"uint8", c10::kByte},
    {"int16", c10::kShort},
    {"int32", c10::kInt},
    {"int64", c10::kLong},
    {"uint16", c10::kUInt16},
    {"uint32", c10::kUInt32},
    {"uint64", c10::kUInt64},
    {"complex64", c10::kComplexFloat},
    {"complex128", c10::kComplexDouble},
    {"bool", c10::kBool},
}};

}  // namespace

c10::ScalarType DTypeFromName(const std::string& name) {
  for (const auto& [known, dtype] : kDTypes) {
    if (name == known) return dtype;
  }
  throw Error("ERR_SEMISUP_TENSOR", "Expected the name of a dtype, but received '" + name + "'.");
}

const char* DTypeName(c10::ScalarType dtype) {
  for (const auto& [name, known] : kDTypes) {
    if (dtype == known) return name;
  }
  throw Error("ERR_SEMISUP_TENSOR_UNSUPPORTED", "A tensor of dtype " +
                                                    std::string(c10::getDtypeNames(dtype).first) +
                                                    " has no JavaScript equivalent.");
}

}  // namespace semisup
