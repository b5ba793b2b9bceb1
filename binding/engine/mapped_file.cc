#include "engine/mapped_file.h"

#include <stdexcept>
#include <system_error>

#include "engine/native_path.h"

#ifndef _WIN32
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace semisup::engine {
namespace {

[[noreturn]] void ThrowReason(int error) {
  throw std::runtime_error(std::system_category().message(error));
}

#ifdef _WIN32

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
  const Handle file{CreateFileW(NativePath(path).c_str(), GENERIC_READ,
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
  // Does not wait for a writer of a pipe.
  const Descriptor descriptor{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  // fstat() would need glibc 2.33.
  const off_t end = descriptor.file < 0 ? -1 : lseek(descriptor.file, 0, SEEK_END);
  if (end < 0) ThrowReason(errno);
  const auto bytes = static_cast<size_t>(end);
  if (bytes == 0) return {};
  void* data = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor.file, 0);
  if (data == MAP_FAILED) ThrowReason(errno);
  return {std::shared_ptr<const void>(
              data, [bytes](const void* memory) { munmap(const_cast<void*>(memory), bytes); }),
          static_cast<const char*>(data), bytes};
}

#endif

}  // namespace semisup::engine
