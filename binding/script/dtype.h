#pragma once
#include <c10/core/ScalarType.h>

#include <string>

namespace semisup {

// Convert between LibTorch's element types and PyTorch's names for those that src/types.ts lists.
// Throws ERR_SEMISUP_TENSOR for any other name.
c10::ScalarType DTypeFromName(const std::string& name);
// Throws ERR_SEMISUP_TENSOR_UNSUPPORTED for any other type.
const char* DTypeName(c10::ScalarType dtype);

}  // namespace semisup
