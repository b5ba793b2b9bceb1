#include "engine/aligned_memory.h"

#include <new>

namespace semisup::engine {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

void* AllocateAligned(size_t bytes) { return ::operator new(bytes, kAlignment); }
void FreeAligned(void* memory) noexcept { ::operator delete(memory, kAlignment); }

}  // namespace semisup::engine
