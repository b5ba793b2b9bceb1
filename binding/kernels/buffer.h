#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace semisup::kernels {

// An array of trivial elements, aligned to cache lines, for weights and per-channel parameters.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  // Uninitialized.
  explicit Buffer(int64_t size)
      : size_(size),
        data_(static_cast<T*>(
            ::operator new[](static_cast<size_t>(size) * sizeof(T), std::align_val_t{64}))) {}
  Buffer(int64_t size, T value) : Buffer(size) { std::fill_n(data(), size, value); }

  int64_t size() const { return size_; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](int64_t i) { return data()[i]; }
  const T& operator[](int64_t i) const { return data()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  struct Delete {
    void operator()(T* data) const { ::operator delete[](data, std::align_val_t{64}); }
  };

  int64_t size_ = 0;
  std::unique_ptr<T, Delete> data_;
};

}  // namespace semisup::kernels
