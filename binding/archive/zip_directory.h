#pragma once
#include <caffe2/serialize/read_adapter_interface.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace semisup {

// A record of a zip archive. Its bytes are in the file, and overlap no other record.
struct ZipRecord {
  // Without the directory that contains all records: LibTorch looks records up by this name.
  std::string name;
  bool is_deflated = false;
  // The position of its (compressed) bytes.
  uint64_t offset = 0;
  uint64_t compressed_size = 0;
  // The size once inflated.
  uint64_t size = 0;
};

// The directory of a zip archive, as LibTorch reads it. Reads no more than the directory and the
// local headers. Throws std::runtime_error if they are inconsistent, if names repeat or leave the
// archive's directory, or if inflating the records would take too much memory.
std::vector<ZipRecord> ReadZipDirectory(const caffe2::serialize::ReadAdapterInterface& archive);

// The name of a record for messages: printable, and at most 200 characters.
std::string Quote(std::string_view name);

}  // namespace semisup
