#pragma once
#include <c10/core/Device.h>
#include <napi.h>
#include <torch/csrc/jit/api/module.h>

#include <string>
#include <unordered_map>
#include <variant>

namespace semisup {

using ExtraFiles = std::unordered_map<std::string, std::string>;

// Bytes in memory that somebody else keeps alive.
struct Bytes {
  const uint8_t* data;
  size_t length;
};

// A TorchScript archive: a file's path, or the bytes of one.
using Archive = std::variant<std::string, Bytes>;

struct OpenedArchive {
  torch::jit::Module module;
  // All extra files of the archive.
  ExtraFiles extra_files;
};

// Throws ERR_SEMISUP_MODEL_FORMAT where it is no TorchScript.
OpenedArchive ReadArchive(const Archive& archive, c10::Device device);

// Writes the archive by way of a stream, so that it is the same whatever the file's name. Throws
// ERR_SEMISUP_MODEL_WRITE.
void WriteArchive(const torch::jit::Module& module, const std::string& path,
                  const ExtraFiles& extra_files);

}  // namespace semisup
