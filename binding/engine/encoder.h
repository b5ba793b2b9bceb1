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

#include "engine/fields.h"

namespace semisup::engine {

// The elements of a buffer.
struct Blob {
  const void* data;
  size_t bytes;

  auto operator<=>(const Blob&) const = default;
};

// Appends descriptions to bytes: numbers as 8 bytes in the byte order of the machine, lists after
// their length, alternatives after their index, and buffers as the index of their blob and their
// length.
class Encoder {
 public:
  // `blobs`: those that buffers refer to; new ones are appended.
  explicit Encoder(std::vector<Blob>& blobs) : blobs_(blobs) {
    for (size_t i = 0; i < blobs.size(); i++) indices_.emplace(blobs[i], i);
  }

  const std::string& bytes() const { return bytes_; }

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
    const Blob blob{buffer.data(), static_cast<size_t>(buffer.size()) * sizeof(T)};
    const auto [found, is_new] = indices_.try_emplace(blob, blobs_.size());
    if (is_new) blobs_.push_back(blob);
    (*this)(found->second);
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

  std::string bytes_;
  std::vector<Blob>& blobs_;
  std::map<Blob, size_t> indices_;
};

}  // namespace semisup::engine
