#include "error.h"

#include <c10/util/Exception.h>

namespace semisup {

std::string Describe(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const c10::Error*>(&exception)) {
    return error->what_without_backtrace();
  }
  return exception.what();
}

}  // namespace semisup
