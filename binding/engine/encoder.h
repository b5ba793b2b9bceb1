#pragma once
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/checksum.h"
#include "engine/fields.h"

namespace semisup::engine {

// The elements of a buffer.
struct Blob {
  const void* data;
  size_t bytes;
};

// Appends descriptions to bytes: numbers as 8 bytes in the byte order of the machine, lists after
// their length, alternatives after their index, and buffers as the index of their blob and their
// length. Buffers with the same contents share a blob.
class Encoder {
 public:
  // `blobs`: those that buffers refer to; new ones are appended.
  explicit Encoder(std::vector<Blob>& blobs) : blobs_(blobs) {}

  // The bytes since the last call.
  std::string TakeBytes() { return std::exchange(bytes_, {}); }

  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  void operator()(T value) {
    Append(static_cast<int64_t>(value));
  }
  template <std::floating_point T>
  void operator()(T value) {
    Append(static_cast<double>(value));
  }
  void operator()(const std::string& text) {
    (*this)(text.size());
    bytes_ += text;
  }
  template <class T>
  void operator()(const std::vector<T>& list) {
    (*this)(list.size());
    for (const auto& one : list) (*this)(one);
  }
  template <class T, size_t size>
  void operator()(const std::array<T, size>& list) {
    for (const auto& one : list) (*this)(one);
  }
  template <class T>
  void operator()(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) (*this)(*value);
  }
  template <class... T>
  void operator()(const std::variant<T...>& value) {
    (*this)(value.index());
    std::visit([this](const auto& one) { (*this)(one); }, value);
  }
  template <class T>
  void operator()(const kernels::Buffer<T>& buffer) {
    (*this)(IndexOf({buffer.data(), static_cast<size_t>(buffer.size()) * sizeof(T)}));
    (*this)(buffer.size());
  }
  template <class T>
    requires requires(const T& value) { FieldsOf(value); }
  void operator()(const T& value) {
    std::apply([this](const auto&... fields) { ((*this)(fields), ...); }, FieldsOf(value));
  }

 private:
  template <class T>
  void Append(T number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }

  // Of a blob with the same contents.
  size_t IndexOf(const Blob& blob) {
    const auto checksum = Checksum(blob.data, blob.bytes);
    const auto [begin, end] = indices_.equal_range({blob.bytes, checksum});
    for (auto known = begin; known != end; ++known) {
      const auto* data = blobs_[known->second].data;
      if (blob.bytes == 0 || data == blob.data || std::memcmp(data, blob.data, blob.bytes) == 0)
        return known->second;
    }
    return Add(blob, checksum);
  }
  size_t Add(const Blob& blob, uint64_t checksum) {
    indices_.emplace(std::pair(blob.bytes, checksum), blobs_.size());
    blobs_.push_back(blob);
    return blobs_.size() - 1;
  }

  std::string bytes_;
  std::vector<Blob>& blobs_;
  // By bytes and checksum.
  std::multimap<std::pair<size_t, uint64_t>, size_t> indices_;
};

}  // namespace semisup::engine
