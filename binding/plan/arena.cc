#include "arena.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <iterator>
#include <new>
#include <utility>

namespace semisup::plan {
namespace {

// Smaller ones cost the C library little.
constexpr size_t kLeast = 32 << 10;
constexpr size_t kMostSpare = size_t{1} << 30;

thread_local Arena* current = nullptr;

// Lies before each tensor's memory, so that one deleter does for all, whatever scope it runs in.
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
    arena->Give({header, bytes});
  } else {
    c10::free_cpu(header);
  }
}

class Allocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &Delete, c10::Device(c10::kCPU)};
    const size_t whole = bytes + sizeof(Header);
    if (whole < bytes) throw std::bad_alloc();
    auto* arena = bytes >= kLeast ? ArenaScope::Current() : nullptr;
    const auto block = arena ? arena->Take(whole) : Block{c10::alloc_cpu(whole), whole};
    auto* header =
        new (block.memory) Header{arena ? arena->shared_from_this() : nullptr, block.bytes};
    return {header + 1, header + 1, &Delete, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Delete; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    default_copy_data(to, from, count);
  }
};

}  // namespace

void Arena::Install() {
#ifdef __linux__
  // Never destroyed: tensors may outlive everything. Elsewhere this library may be unloaded, and so
  // LibTorch keeps its own.
  static const auto* const allocator = [] {
    auto* ours = new Allocator;
    c10::SetCPUAllocator(ours);
    return ours;
  }();
  static_cast<void>(allocator);
#endif
}

Arena::~Arena() { Trim(); }

void Arena::Trim() {
  const std::lock_guard lock(mutex_);
  while (!spare_.empty()) Free(spare_.begin());
}

Block Arena::Take(size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = spare_.lower_bound(bytes);
    if (found != spare_.end() && found->first <= bytes + bytes / 4) {
      const Block block{found->second, found->first};
      spare_.erase(found);
      spare_bytes_ -= block.bytes;
      return block;
    }
  }
  const Block block{c10::alloc_cpu(bytes), bytes};
  bytes_ += bytes;
  return block;
}

void Arena::Give(const Block& block) {
  const std::lock_guard lock(mutex_);
  spare_.emplace(block.bytes, block.memory);
  spare_bytes_ += block.bytes;
  while (spare_bytes_ > kMostSpare) Free(std::prev(spare_.end()));
}

void Arena::Free(std::multimap<size_t, void*>::iterator block) {
  const auto [bytes, memory] = *block;
  spare_.erase(block);
  spare_bytes_ -= bytes;
  bytes_ -= bytes;
  c10::free_cpu(memory);
}

ArenaScope::ArenaScope(Arena* arena) : before_(std::exchange(current, arena)) {}
ArenaScope::~ArenaScope() { current = before_; }
Arena* ArenaScope::Current() { return current; }

}  // namespace semisup::plan
