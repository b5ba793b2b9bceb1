#pragma once
#include <atomic>
#include <cstdint>

namespace semisup {

// Identifies the package whose addon this library is; set when it is initialized.
inline std::atomic<uint64_t> package_hash = 0;

}  // namespace semisup
