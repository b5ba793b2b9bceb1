#pragma once
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/mapped_file.h"
#include "engine/network_description.h"

namespace semisup::engine {

// A file of compiled networks, in the byte order of the machine, which its header states. The
// header is followed by a table of sections, each with its kind, place, length and checksum, and by
// the sections, aligned to 64 bytes: the metadata, the networks (fields.h, encoder.h), and the
// weights that they refer to.
struct CompiledFile {
  // JSON.
  std::string metadata;
  std::vector<NetworkDescription> networks;
};

// Changes when the format or the meaning of a description changes.
constexpr uint32_t kFormatVersion = 3;

// Thrown for a file that cannot be read; what() is a clause such as "it is truncated".
struct InvalidFile : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Whether the contents begin like those of a compiled file.
bool IsCompiled(const MappedFile& file);
// Decodes a file, whose memory the weights share, and verifies its checksums in parallel. Throws
// InvalidFile.
CompiledFile ReadCompiled(const MappedFile& file);
// Writes a file, which is incomplete after a failure. `path`: UTF-8. Throws std::runtime_error with
// the system's reason, as a clause.
void WriteCompiled(const std::string& path, const CompiledFile& file);

}  // namespace semisup::engine
