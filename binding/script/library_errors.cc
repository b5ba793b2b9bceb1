#include "runtime/error.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace semisup {
namespace {

// Error numbers of the CUDA Runtime API.
constexpr int kMemoryAllocation = 2;
// Errors that corrupt the CUDA context, so that every later call in the process fails: ECC, illegal
// address or instruction, misaligned address, launch failure and the like.
constexpr std::array kContextCorrupting{214, 220, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721};

}  // namespace

std::string MessageWithoutBacktrace(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const c10::Error*>(&exception)) {
    return error->what_without_backtrace();
  }
  return exception.what();
}

const char* ErrorCodeFor(const std::exception& exception, const char* fallback) {
  constexpr const char* kMemory = "ERR_SEMISUP_DEVICE_MEMORY";
  constexpr const char* kLost = "ERR_SEMISUP_DEVICE_LOST";
  constexpr const char* kFailed = "ERR_SEMISUP_DEVICE_FAILED";
  if (dynamic_cast<const c10::OutOfMemoryError*>(&exception)) return kMemory;
  if (const auto* error = dynamic_cast<const c10::AcceleratorError*>(&exception)) {
    const int code = error->get_error_code();
    if (code == kMemoryAllocation) return kMemory;
    const bool is_lost = std::count(kContextCorrupting.begin(), kContextCorrupting.end(), code) > 0;
    return is_lost ? kLost : kFailed;
  }
  // TorchScript's interpreter rethrows an exception as another type and preserves only its message.
  const std::string_view message = exception.what();
  const auto contains_any = [message](auto... parts) {
    return ((message.find(parts) != message.npos) || ...);
  };
  if (contains_any("CUDA out of memory", "STATUS_ALLOC_FAILED")) return kMemory;
  if (contains_any("illegal memory access", "unspecified launch failure", "uncorrectable ECC")) {
    return kLost;
  }
  return contains_any("CUDA error:", "cuDNN error:", "CUBLAS_STATUS_") ? kFailed : fallback;
}

}  // namespace semisup
