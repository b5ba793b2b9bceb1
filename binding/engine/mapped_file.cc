#include "engine/mapped_file.h"

#include <stdexcept>
#include <system_error>

#ifdef _WIN32
#define NOMINMAX
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace semisup::engine {
namespace {

[[noreturn]] void ThrowReason(int error) {
  throw std::runtime_error(std::system_category().message(error));
}

#ifdef _WIN32

std::wstring ToWide(const std::string& text) {
  const int length = static_cast<int>(text.size());
  std::wstring wide(MultiByteToWideChar(CP_UTF8, 0, text.data(), length, nullptr, 0), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.data(), length, wide.data(), static_cast<int>(wide.size()));
  return wide;
}

struct Handle {
  HANDLE handle;
  ~Handle() {
    if (handle && handle != INVALID_HANDLE_VALUE) CloseHandle(handle);
  }
};

#else

struct Descriptor {
  int file;
  ~Descriptor() { close(file); }
};

#endif

}  // namespace

#ifdef _WIN32

MappedFile MapFile(const std::string& path) {
  const Handle file{CreateFileW(ToWide(path).c_str(), GENERIC_READ,
                                FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                                FILE_ATTRIBUTE_NORMAL, nullptr)};
  LARGE_INTEGER size{};
  if (file.handle == INVALID_HANDLE_VALUE || !GetFileSizeEx(file.handle, &size)) {
    ThrowReason(static_cast<int>(GetLastError()));
  }
  if (size.QuadPart == 0) return {};
  const Handle mapping{CreateFileMappingW(file.handle, nullptr, PAGE_READONLY, 0, 0, nullptr)};
  void* data = mapping.handle ? MapViewOfFile(mapping.handle, FILE_MAP_READ, 0, 0, 0) : nullptr;
  if (!data) ThrowReason(static_cast<int>(GetLastError()));
  return {std::shared_ptr<const void>(data, [](const void* view) { UnmapViewOfFile(view); }),
          static_cast<const char*>(data), static_cast<size_t>(size.QuadPart)};
}

#else

MappedFile MapFile(const std::string& path) {
  const Descriptor descriptor{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status{};
  if (descriptor.file < 0 || fstat(descriptor.file, &status) != 0) ThrowReason(errno);
  if (!S_ISREG(status.st_mode)) throw std::runtime_error("it is not a regular file");
  const auto bytes = static_cast<size_t>(status.st_size);
  if (bytes == 0) return {};
  void* data = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor.file, 0);
  if (data == MAP_FAILED) ThrowReason(errno);
  return {std::shared_ptr<const void>(
              data, [bytes](const void* memory) { munmap(const_cast<void*>(memory), bytes); }),
          static_cast<const char*>(data), bytes};
}

#endif

}  // namespace semisup::engine
