#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace semisup {

// The pickle refuses itself: at which byte, and why.
class PickleError : public std::runtime_error {
 public:
  PickleError(size_t position, const std::string& reason)
      : std::runtime_error("at byte " + std::to_string(position) + ", " + reason) {}
};

// Reads the instructions of a pickle and their arguments, and no byte beyond.
class PickleReader {
 public:
  explicit PickleReader(std::string_view pickle) : pickle_(pickle) {}

  // Throws PickleError at the last instruction.
  [[noreturn]] void Fail(const std::string& reason) const;

  uint8_t ReadInstruction();
  uint8_t ReadByte() { return static_cast<uint8_t>(*Take(1)); }
  // An unsigned number of `bytes` bytes, at most 8.
  uint64_t ReadLittleEndian(size_t bytes);
  uint64_t ReadBigEndian(size_t bytes);
  // Up to a newline, and at most 4096 bytes.
  std::string_view ReadLine();
  // Skips `length` bytes, and returns where they begin.
  size_t Skip(size_t length);

  std::string_view Bytes(size_t begin, size_t length) const {
    return pickle_.substr(begin, length);
  }

 private:
  const char* Take(size_t count);

  std::string_view pickle_;
  size_t position_ = 0;
  size_t instruction_ = 0;
};

}  // namespace semisup
