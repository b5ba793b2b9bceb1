#pragma once
#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

namespace semisup::plan {

struct Block {
  void* memory;
  size_t bytes;
};

// Caches the memory of freed tensors for later ones: every forward allocates the same sizes, and
// faulting in fresh pages costs as much as the arithmetic on them. The cache is bounded.
// Thread-safe.
class Arena : public std::enable_shared_from_this<Arena> {
 public:
  // Replaces LibTorch's CPU allocator by one that takes large tensors from the arena of the
  // thread's ArenaScope, if any. Idempotent.
  static void Install();

  ~Arena();
  // A block of at least `bytes` bytes.
  Block Allocate(size_t bytes);
  void Free(const Block& block);
  // Returns the cached blocks to the system.
  void Trim();
  // Of the blocks in use and the cached ones.
  size_t bytes() const { return bytes_; }

 private:
  void Release(std::multimap<size_t, void*>::iterator block);

  std::mutex mutex_;
  std::multimap<size_t, void*> cached_;
  size_t cached_bytes_ = 0;
  std::atomic<size_t> bytes_ = 0;
};

// Makes an arena the calling thread's for the scope; null for none.
class ArenaScope {
 public:
  explicit ArenaScope(Arena* arena);
  ~ArenaScope();
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;
  static Arena* Current();

 private:
  Arena* previous_;
};

}  // namespace semisup::plan
