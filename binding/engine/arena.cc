#include "engine/arena.h"

#include <iterator>
#include <utility>

#include "engine/aligned_memory.h"

namespace semisup::engine {
namespace {

thread_local Arena* current = nullptr;

}  // namespace

Arena::~Arena() { Trim(); }

void Arena::Trim() {
  const std::lock_guard lock(mutex_);
  while (!cached_.empty()) Release(cached_.begin());
}

Block Arena::Allocate(size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = cached_.lower_bound(bytes);
    if (found != cached_.end() && found->first <= bytes + bytes / 4) {
      const Block block{found->second, found->first};
      cached_.erase(found);
      cached_bytes_ -= block.bytes;
      return block;
    }
  }
  const Block block{AllocateAligned(bytes), bytes};
  bytes_ += bytes;
  return block;
}

void Arena::Free(const Block& block) {
  const std::lock_guard lock(mutex_);
  cached_.emplace(block.bytes, block.memory);
  cached_bytes_ += block.bytes;
  while (cached_bytes_ > max_cached_bytes_) Release(std::prev(cached_.end()));
}

void Arena::Release(std::multimap<size_t, void*>::iterator block) {
  const auto [bytes, memory] = *block;
  cached_.erase(block);
  cached_bytes_ -= bytes;
  bytes_ -= bytes;
  FreeAligned(memory);
}

ArenaScope::ArenaScope(Arena* arena) : previous_(std::exchange(current, arena)) {}
ArenaScope::~ArenaScope() { current = previous_; }
Arena* ArenaScope::Current() { return current; }

}  // namespace semisup::engine
