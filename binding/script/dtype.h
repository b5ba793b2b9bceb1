#pragma once
#include <c10/core/ScalarType.h>

#include <string>

namespace semisup {

// Convert between LibTorch's element types and PyTorch's names for those that src/dtype.ts lists.
// Both throw ERR_SEMISUP_TENSOR for any other type.
c10::ScalarType DTypeFromName(const std::string& name);
const char* DTypeName(c10::ScalarType dtype);

}  // namespace semisup
