#pragma once
#include <c10/core/CPUAllocator.h>

#include "kernels/workspace.h"

namespace semisup::plan {

// Scratch memory from LibTorch's CPU allocator, and so from the arena of the thread's ArenaScope.
class TensorWorkspace final : public kernels::Workspace {
 public:
  void* Allocate(size_t bytes) override { return allocator_->raw_allocate(bytes); }
  void Free(void* memory) noexcept override { allocator_->raw_deallocate(memory); }

 private:
  c10::Allocator* const allocator_ = c10::GetCPUAllocator();
};

}  // namespace semisup::plan
