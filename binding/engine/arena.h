#pragma once
#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

namespace semisup::engine {

struct Block {
  void* memory;
  size_t bytes;
};

constexpr size_t kDefaultMaxCachedBytes = size_t{1} << 30;

// Caches the memory of freed tensors for later ones: every forward pass allocates the same sizes,
// and faulting in fresh pages costs as much as the arithmetic on them. The cache is bounded.
// Thread-safe.
class Arena : public std::enable_shared_from_this<Arena> {
 public:
  explicit Arena(size_t max_cached_bytes = kDefaultMaxCachedBytes)
      : max_cached_bytes_(max_cached_bytes) {}
  ~Arena();
  // Returns a block of at least `bytes` bytes.
  Block Allocate(size_t bytes);
  void Free(const Block& block);
  // Returns the cached blocks to the system.
  void Trim();
  // The size of all blocks, in use or cached.
  size_t bytes() const { return bytes_; }

 private:
  void Release(std::multimap<size_t, void*>::iterator block);

  const size_t max_cached_bytes_;
  std::mutex mutex_;
  std::multimap<size_t, void*> cached_;
  size_t cached_bytes_ = 0;
  std::atomic<size_t> bytes_ = 0;
};

// Smaller blocks are cheap without an arena.
constexpr size_t kMinArenaBytes = 32 << 10;

// Makes an arena the current one of the calling thread for the scope; null for none.
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

}  // namespace semisup::engine
