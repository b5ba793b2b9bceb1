#pragma once
#include <c10/core/Device.h>
#include <torch/csrc/jit/api/module.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <variant>

namespace semisup {

// The bytes of the extra files, by name; they need not be text.
using ExtraFiles = std::unordered_map<std::string, std::string>;

// Bytes in memory that the caller keeps alive.
struct ByteView {
  const uint8_t* data;
  size_t length;
};

// A TorchScript archive, as the path of a file or its bytes.
using ArchiveSource = std::variant<std::string, ByteView>;

struct LoadedArchive {
  torch::jit::Module module;
  // Every extra file of the archive.
  ExtraFiles extra_files;
};

// Throws ERR_SEMISUP_MODEL_FORMAT if the source is not a TorchScript archive, or is one that
// CheckArchive() refuses. `only_allowed_operators` is its argument.
LoadedArchive ReadArchive(const ArchiveSource& source, c10::Device device,
                          bool only_allowed_operators);

// Writes the archive through a stream: writing to a path would embed the file's name in the
// archive. Throws ERR_SEMISUP_MODEL_WRITE.
void WriteArchive(const torch::jit::Module& module, const std::string& path,
                  const ExtraFiles& extra_files);

}  // namespace semisup
