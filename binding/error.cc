#include "error.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace semisup {
namespace {

// As the CUDA Runtime API's reference numbers them.
constexpr int kMemoryAllocation = 2;
// After these nothing works any more in the process: ECC, illegal address or instruction,
// misaligned address, failed launch, and what else corrupts a context.
constexpr std::array kCorrupting{214, 220, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721};

}  // namespace

std::string Describe(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const c10::Error*>(&exception)) {
    return error->what_without_backtrace();
  }
  return exception.what();
}

const char* CodeOf(const std::exception& exception, const char* otherwise) {
  constexpr const char* kMemory = "ERR_SEMISUP_DEVICE_MEMORY";
  constexpr const char* kLost = "ERR_SEMISUP_DEVICE_LOST";
  constexpr const char* kFailed = "ERR_SEMISUP_DEVICE_FAILED";
  if (dynamic_cast<const c10::OutOfMemoryError*>(&exception)) return kMemory;
  if (const auto* error = dynamic_cast<const c10::AcceleratorError*>(&exception)) {
    const int code = error->get_error_code();
    if (code == kMemoryAllocation) return kMemory;
    const bool is_lost = std::count(kCorrupting.begin(), kCorrupting.end(), code) > 0;
    return is_lost ? kLost : kFailed;
  }
  // TorchScript's interpreter keeps of an exception its words alone.
  const std::string_view words = exception.what();
  const auto tells = [words](auto... parts) { return ((words.find(parts) != words.npos) || ...); };
  if (tells("CUDA out of memory", "STATUS_ALLOC_FAILED")) return kMemory;
  if (tells("illegal memory access", "unspecified launch failure", "uncorrectable ECC"))
    return kLost;
  return tells("CUDA error:", "cuDNN error:", "CUBLAS_STATUS_") ? kFailed : otherwise;
}

}  // namespace semisup
