#include "archive/pickle_reader.h"

namespace semisup {
namespace {

constexpr size_t kMaxNameLength = 4096;

}  // namespace

void PickleReader::Fail(const std::string& reason) const {
  throw PickleError(instruction_, reason);
}

uint8_t PickleReader::ReadInstruction() {
  instruction_ = position_;
  return ReadByte();
}

uint64_t PickleReader::ReadLittleEndian(size_t bytes) {
  const char* data = Take(bytes);
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<uint8_t>(data[i]);
  return value;
}

uint64_t PickleReader::ReadBigEndian(size_t bytes) {
  const char* data = Take(bytes);
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | static_cast<uint8_t>(data[i]);
  return value;
}

std::string_view PickleReader::ReadLine() {
  const auto end = pickle_.find('\n', position_);
  if (end == pickle_.npos || end - position_ > kMaxNameLength) {
    Fail("a name is longer than " + std::to_string(kMaxNameLength) + " bytes");
  }
  const auto line = pickle_.substr(position_, end - position_);
  position_ = end + 1;
  return line;
}

size_t PickleReader::Skip(size_t length) {
  const size_t begin = position_;
  Take(length);
  return begin;
}

const char* PickleReader::Take(size_t count) {
  if (count > pickle_.size() - position_) {
    Fail("it claims " + std::to_string(count) + " bytes, but only " +
         std::to_string(pickle_.size() - position_) + " follow");
  }
  const char* bytes = pickle_.data() + position_;
  position_ += count;
  return bytes;
}

}  // namespace semisup
