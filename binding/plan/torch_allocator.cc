#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <memory>
#include <new>
#include <utility>

#include "engine/arena.h"

namespace semisup::plan {
namespace {

// Precedes each tensor's memory, so that one deleter serves all tensors, whichever scope frees
// them.
struct alignas(64) Header {
  std::shared_ptr<engine::Arena> arena;
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
    auto* arena = bytes >= engine::kMinArenaBytes ? engine::ArenaScope::Current() : nullptr;
    const auto block = arena ? arena->Allocate(total) : engine::Block{c10::alloc_cpu(total), total};
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
}  // namespace semisup::plan
