#pragma once
#include <cstddef>
#include <cstdint>

namespace semisup::kernels {

// Provides the scratch memory of a kernel's run. Called on the thread that calls Run(), and not on
// the threads of its parallel region.
class Workspace {
 public:
  virtual ~Workspace() = default;
  // Uninitialized memory, aligned to cache lines.
  virtual void* Allocate(size_t bytes) = 0;
  virtual void Free(void* memory) noexcept = 0;
};

// Scratch memory for `size` elements, freed at the end of the scope.
template <class T>
class Scratch {
 public:
  Scratch(Workspace& workspace, int64_t size)
      : workspace_(workspace),
        data_(static_cast<T*>(workspace.Allocate(static_cast<size_t>(size) * sizeof(T)))) {}
  ~Scratch() { workspace_.Free(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  T* data() const { return data_; }

 private:
  Workspace& workspace_;
  T* data_;
};

}  // namespace semisup::kernels
