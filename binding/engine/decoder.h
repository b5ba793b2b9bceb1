#pragma once
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/encoder.h"
#include "engine/fields.h"

namespace semisup::engine {

// Reads what Encoder has written. Throws std::invalid_argument if the bytes end too early or have
// values that their types do not.
class Decoder {
 public:
  // Buffers refer to `blobs`, which `owner` keeps alive.
  Decoder(std::string_view bytes, const std::vector<Blob>& blobs, std::shared_ptr<const void> owner)
      : bytes_(bytes), blobs_(blobs), owner_(std::move(owner)) {}

  bool is_at_end() const { return bytes_.empty(); }

  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  void operator()(T& value) {
    const auto number = Take<int64_t>();
    value = static_cast<T>(number);
    if (static_cast<int64_t>(value) != number) throw Invalid("a number is out of range");
  }
  template <std::floating_point T>
  void operator()(T& value) {
    value = static_cast<T>(Take<double>());
  }
  void operator()(std::string& text) {
    const auto size = TakeLength(1);
    text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
  }
  template <class T>
  void operator()(std::vector<T>& list) {
    list.resize(TakeLength(sizeof(int64_t)));
    for (auto& one : list) (*this)(one);
  }
  template <class T, size_t size>
  void operator()(std::array<T, size>& list) {
    for (auto& one : list) (*this)(one);
  }
  template <class T>
  void operator()(std::optional<T>& value) {
    bool has_value = false;
    (*this)(has_value);
    if (has_value) (*this)(value.emplace());
  }
  template <class... T>
  void operator()(std::variant<T...>& value) {
    const auto index = Take<int64_t>();
    int64_t alternative = 0;
    const bool is_known =
        ((alternative++ == index && ((*this)(value.template emplace<T>()), true)) || ...);
    if (!is_known) throw Invalid("a kind is unknown");
  }
  template <class T>
  void operator()(kernels::Buffer<T>& buffer) {
    const auto index = Take<int64_t>();
    const auto size = Take<int64_t>();
    if (index < 0 || index >= static_cast<int64_t>(blobs_.size())) {
      throw Invalid("it refers to weights that do not exist");
    }
    const auto& blob = blobs_[index];
    if (size < 0 || size != static_cast<int64_t>(blob.bytes / sizeof(T)) ||
        blob.bytes % sizeof(T) != 0) {
      throw Invalid("weights have another size");
    }
    // An empty one has no memory, as it had.
    buffer = size == 0 ? kernels::Buffer<T>()
                       : kernels::Buffer<T>(owner_, static_cast<const T*>(blob.data), size);
  }
  template <class T>
    requires requires(T& value) { FieldsOf(value); }
  void operator()(T& value) {
    std::apply([this](auto&... fields) { ((*this)(fields), ...); }, FieldsOf(value));
  }

 private:
  static std::invalid_argument Invalid(const char* problem) {
    return std::invalid_argument(problem);
  }

  template <class T>
  T Take() {
    if (bytes_.size() < sizeof(T)) throw Invalid("it ends too early");
    T number;
    std::memcpy(&number, bytes_.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return number;
  }
  // The length of a list whose elements have at least `bytes` bytes.
  size_t TakeLength(size_t bytes) {
    const auto length = Take<uint64_t>();
    if (length > bytes_.size() / bytes) throw Invalid("a length is out of range");
    return static_cast<size_t>(length);
  }

  std::string_view bytes_;
  const std::vector<Blob>& blobs_;
  std::shared_ptr<const void> owner_;
};

}  // namespace semisup::engine
