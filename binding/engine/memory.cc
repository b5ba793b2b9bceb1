#include "engine/memory.h"

#include "engine/aligned_memory.h"
#include "engine/arena.h"

namespace semisup::engine {

std::shared_ptr<void> AllocateShared(size_t bytes) {
  auto* arena = bytes >= kMinArenaBytes ? ArenaScope::Current() : nullptr;
  if (!arena) return {AllocateAligned(bytes), &FreeAligned};
  const auto block = arena->Allocate(bytes);
  return {block.memory, [block, owner = arena->shared_from_this()](void*) { owner->Free(block); }};
}

void* ScratchMemory::Allocate(size_t bytes) {
  memory_.push_back(AllocateShared(bytes));
  return memory_.back().get();
}

void ScratchMemory::Free(void* memory) noexcept {
  std::erase_if(memory_, [memory](const auto& one) { return one.get() == memory; });
}

}  // namespace semisup::engine
