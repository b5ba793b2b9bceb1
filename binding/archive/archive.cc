#include "archive/archive.h"

#include <caffe2/serialize/file_adapter.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <streambuf>
#include <string_view>
#include <system_error>
#include <utility>

#include "archive/archive_check.h"
#include "runtime/error.h"

namespace semisup {
namespace {

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

// A file that accepts every write, and reports the first failure when it is closed. LibTorch's
// writer completes an archive in its destructor, and an exception there terminates the process.
class FileBuffer final : public std::streambuf {
 public:
  // Throws std::runtime_error with the system's message.
  explicit FileBuffer(const std::string& path) {
    errno = 0;
    if (!file_.open(path, std::ios::out | std::ios::binary)) Fail();
    ThrowIfFailed("opened for writing");
  }

  // Throws std::runtime_error with the system's message if not everything was written.
  void Close() {
    errno = 0;
    if (!file_.close()) Fail();
    ThrowIfFailed("written completely");
  }

 protected:
  std::streamsize xsputn(const char* data, std::streamsize count) override {
    if (error_.empty()) {
      errno = 0;
      if (file_.sputn(data, count) != count) Fail();
    }
    return count;
  }

  int_type overflow(int_type character) override {
    const char byte = traits_type::to_char_type(character);
    if (!traits_type::eq_int_type(character, traits_type::eof())) xsputn(&byte, 1);
    return traits_type::not_eof(character);
  }

 private:
  // Keeps the first error.
  void Fail() {
    if (!error_.empty()) return;
    error_ = errno == 0 ? "unknown error" : std::generic_category().message(errno);
  }

  void ThrowIfFailed(const char* action) const {
    if (error_.empty()) return;
    throw std::runtime_error("The file could not be " + std::string(action) + ": " + error_ + ".");
  }

  std::filebuf file_;
  std::string error_;
};

}  // namespace

LoadedArchive ReadArchive(const ArchiveSource& source, c10::Device device,
                          bool only_allowed_operators) {
  return WithCode("ERR_SEMISUP_MODEL_FORMAT", [&] {
    const auto adapter = Open(source);
    ExtraFiles extra_files;
    for (auto& name : CheckArchive(adapter, only_allowed_operators)) extra_files[name] = "";
    auto module = torch::jit::load(adapter, device, extra_files);
    module.eval();
    return LoadedArchive{std::move(module), std::move(extra_files)};
  });
}

void WriteArchive(const torch::jit::Module& module, const std::string& path,
                  const ExtraFiles& extra_files) {
  WithCode("ERR_SEMISUP_MODEL_WRITE", [&] {
    FileBuffer file(path);
    std::ostream stream(&file);
    module.save(stream, extra_files);
    file.Close();
  });
}

}  // namespace semisup
