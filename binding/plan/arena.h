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

// Keeps the memory of tensors that are freed, for the tensors that come: a forward wants the same
// sizes each time, and fresh pages cost as much as the arithmetic on them. What it keeps is
// bounded. Any number of threads may use it.
class Arena : public std::enable_shared_from_this<Arena> {
 public:
  // Makes LibTorch take large tensors from the arena of the thread's ArenaScope, where there is
  // one. Once in a process.
  static void Install();

  ~Arena();
  // A block of at least so many bytes.
  Block Take(size_t bytes);
  void Give(const Block& block);
  // Frees what no tensor has.
  void Trim();
  // Of the tensors that have its memory, and of what it keeps for those to come.
  size_t bytes() const { return bytes_; }

 private:
  void Free(std::multimap<size_t, void*>::iterator block);

  std::mutex mutex_;
  std::multimap<size_t, void*> spare_;
  size_t spare_bytes_ = 0;
  std::atomic<size_t> bytes_ = 0;
};

// The arena of this thread, for as long as it stands.
class ArenaScope {
 public:
  explicit ArenaScope(Arena* arena);
  ~ArenaScope();
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;
  static Arena* Current();

 private:
  Arena* before_;
};

}  // namespace semisup::plan
