#pragma once
#include <cstddef>
#include <cstdint>

namespace semisup::engine {

// XXH64 with the seed 0, a hash that detects damage, not attacks
// (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).
uint64_t Checksum(const void* data, size_t bytes);

}  // namespace semisup::engine
