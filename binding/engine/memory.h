#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "kernels/workspace.h"

namespace semisup::engine {

// Memory from the thread's arena, or, for few bytes or without one, from the heap. Throws
// std::bad_alloc.
std::shared_ptr<void> AllocateShared(size_t bytes);

// Scratch memory of the same origin.
class ScratchMemory final : public kernels::Workspace {
 public:
  void* Allocate(size_t bytes) override;
  void Free(void* memory) noexcept override;

 private:
  std::vector<std::shared_ptr<void>> memory_;
};

}  // namespace semisup::engine
