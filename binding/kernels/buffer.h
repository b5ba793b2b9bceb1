#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace semisup::kernels {

// An array of trivial elements, aligned to cache lines, for weights and per-channel parameters.
// Copies share the elements, so only the buffer that allocated them may be written to, before it is
// copied.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  // Uninitialized.
  explicit Buffer(int64_t size)
      : size_(size),
        data_(static_cast<T*>(
                  ::operator new[](static_cast<size_t>(size) * sizeof(T), std::align_val_t{64})),
              [](T* data) { ::operator delete[](data, std::align_val_t{64}); }) {}
  Buffer(int64_t size, T value) : Buffer(size) { std::fill_n(data(), size, value); }
  // Elements that `owner` keeps alive, e.g. of a mapped file, which cannot be written to.
  Buffer(std::shared_ptr<const void> owner, const T* data, int64_t size)
      : size_(size), data_(std::const_pointer_cast<void>(std::move(owner)), const_cast<T*>(data)) {}

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
  int64_t size_ = 0;
  std::shared_ptr<T> data_;
};

// Throws std::invalid_argument unless a buffer that was packed elsewhere has the size that its
// kernel reads.
template <class T>
void CheckPacked(const Buffer<T>& packed, int64_t size) {
  if (packed.size() == size) return;
  throw std::invalid_argument("Expected " + std::to_string(size) +
                              " packed weights, but received " + std::to_string(packed.size()) +
                              ".");
}

}  // namespace semisup::kernels
