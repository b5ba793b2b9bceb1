#pragma once
#include <string>
#ifdef _WIN32
#define NOMINMAX
#include <windows.h>
#endif

namespace semisup::engine {

// A path in UTF-8, as the functions of the system expect it. Not std::filesystem::path, which the
// libstdc++ of GCC 8 does not have.
#ifdef _WIN32
inline std::wstring NativePath(const std::string& path) {
  const int length = static_cast<int>(path.size());
  std::wstring wide(MultiByteToWideChar(CP_UTF8, 0, path.data(), length, nullptr, 0), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.data(), length, wide.data(), static_cast<int>(wide.size()));
  return wide;
}
#else
inline const std::string& NativePath(const std::string& path) { return path; }
#endif

}  // namespace semisup::engine
