#pragma once
#include <cstddef>

namespace semisup::engine {

// Memory aligned to cache lines. Throws std::bad_alloc.
void* AllocateAligned(size_t bytes);
void FreeAligned(void* memory) noexcept;

}  // namespace semisup::engine
