#pragma once
#include <cstddef>
#include <memory>
#include <string>

namespace semisup::engine {

// Read-only memory with the contents of a file, which processes share.
struct MappedFile {
  std::shared_ptr<const void> owner;
  const char* data = nullptr;
  size_t bytes = 0;
};

// `path`: UTF-8. Throws std::runtime_error with the system's reason, as a clause.
MappedFile MapFile(const std::string& path);

}  // namespace semisup::engine
