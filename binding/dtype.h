#pragma once
#include <c10/core/ScalarType.h>

#include <string>

namespace semisup {

// PyTorch's names of element types (src/dtype.ts), both ways.
// Throws ERR_SEMISUP_TENSOR for a name that is not among them.
c10::ScalarType DTypeFromName(const std::string& name);
const char* NameOfDType(c10::ScalarType dtype);

}  // namespace semisup
