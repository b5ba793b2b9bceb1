#include "plan/arena.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <iterator>
#include <new>
#include <utility>

namespace semisup::plan {
namespace {

// malloc serves smaller tensors cheaply.
constexpr size_t kMinBytes = 32 << 10;
constexpr size_t kMaxCachedBytes = size_t{1} << 30;

thread_local Arena* current = nullptr;

// Precedes each tensor's memory, so that one deleter serves all tensors, whichever scope frees
// them.
struct alignas(64) Header {
  std::shared_ptr<Arena> arena;
  size_t bytes;
};

void Delete(void* data) {
  if (!data) return;
  auto* header = static_cast<Header*>(data) - 1;
  const auto arena = std::move(header->arena);
  const auto bytes = header->bytes;
  header->~Header();
  if (arena) {
    arena->Free({header, bytes});
  } else {
    c10::free_cpu(header);
  }
}

class Allocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &Delete, c10::Device(c10::kCPU)};
    const size_t total = bytes + sizeof(Header);
    if (total < bytes) throw std::bad_alloc();
    auto* arena = bytes >= kMinBytes ? ArenaScope::Current() : nullptr;
    const auto block = arena ? arena->Allocate(total) : Block{c10::alloc_cpu(total), total};
    auto* header =
        new (block.memory) Header{arena ? arena->shared_from_this() : nullptr, block.bytes};
    return {header + 1, header + 1, &Delete, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Delete; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    default_copy_data(to, from, count);
  }
};

// Replaces LibTorch's CPU allocator with one that allocates large tensors from the arena of the
// thread's ArenaScope, if any. Returns whether it did.
bool InstallAllocator() {
#ifdef __linux__
  // Another copy of this library has replaced it already: both cannot, for the reason below.
  if (c10::GetCPUAllocator() != c10::GetDefaultCPUAllocator()) return false;
  // Never destroyed, because tensors may outlive static destructors. On Linux only: elsewhere this
  // library may be unloaded while LibTorch still refers to the allocator.
  c10::SetCPUAllocator(new Allocator);
  return true;
#else
  return false;
#endif
}

// When this library is loaded, and never later: oneDNN's tensors are freed by the allocator that is
// installed at that time, which must be the one that allocated them. Modules may already run on
// other threads when the first plan is created. The dynamic linker's lock serializes copies of this
// library that are loaded concurrently.
[[maybe_unused]] const bool is_installed = InstallAllocator();

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
  const Block block{c10::alloc_cpu(bytes), bytes};
  bytes_ += bytes;
  return block;
}

void Arena::Free(const Block& block) {
  const std::lock_guard lock(mutex_);
  cached_.emplace(block.bytes, block.memory);
  cached_bytes_ += block.bytes;
  while (cached_bytes_ > kMaxCachedBytes) Release(std::prev(cached_.end()));
}

void Arena::Release(std::multimap<size_t, void*>::iterator block) {
  const auto [bytes, memory] = *block;
  cached_.erase(block);
  cached_bytes_ -= bytes;
  bytes_ -= bytes;
  c10::free_cpu(memory);
}

ArenaScope::ArenaScope(Arena* arena) : previous_(std::exchange(current, arena)) {}
ArenaScope::~ArenaScope() { current = previous_; }
Arena* ArenaScope::Current() { return current; }

}  // namespace semisup::plan
