#include "runtime/error.h"

namespace semisup {

std::string MessageWithoutBacktrace(const std::exception& exception) { return exception.what(); }

const char* ErrorCodeFor(const std::exception&, const char* fallback) { return fallback; }

}  // namespace semisup
