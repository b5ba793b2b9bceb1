#include "script/archive.h"

#include <caffe2/serialize/file_adapter.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "runtime/error.h"

namespace semisup {
namespace {

constexpr std::string_view kExtraFolder = "extra/";

class ByteViewAdapter final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit ByteViewAdapter(ByteView bytes) : bytes_(bytes) {}

  size_t size() const override { return bytes_.length; }
  size_t read(uint64_t position, void* buffer, size_t count, const char*) const override {
    if (position >= bytes_.length) return 0;
    const size_t length = std::min(count, bytes_.length - static_cast<size_t>(position));
    std::memcpy(buffer, bytes_.data + position, length);
    return length;
  }

 private:
  ByteView bytes_;
};

std::shared_ptr<caffe2::serialize::ReadAdapterInterface> Open(const ArchiveSource& source) {
  if (const auto* path = std::get_if<std::string>(&source)) {
    return std::make_shared<caffe2::serialize::FileAdapter>(*path);
  }
  return std::make_shared<ByteViewAdapter>(std::get<ByteView>(source));
}

}  // namespace

LoadedArchive ReadArchive(const ArchiveSource& source, c10::Device device) {
  return WithCode("ERR_SEMISUP_MODEL_FORMAT", [&] {
    const auto adapter = Open(source);
    ExtraFiles extra_files;
    for (const auto& record : caffe2::serialize::PyTorchStreamReader(adapter).getAllRecords()) {
      if (record.starts_with(kExtraFolder)) extra_files[record.substr(kExtraFolder.size())] = "";
    }
    auto module = torch::jit::load(adapter, device, extra_files);
    module.eval();
    return LoadedArchive{std::move(module), std::move(extra_files)};
  });
}

void WriteArchive(const torch::jit::Module& module, const std::string& path,
                  const ExtraFiles& extra_files) {
  WithCode("ERR_SEMISUP_MODEL_WRITE", [&] {
    std::ofstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("The file could not be opened for writing.");
    module.save(file, extra_files);
    file.close();
    if (!file) throw std::runtime_error("The file could not be written completely.");
  });
}

}  // namespace semisup
