#include "loader/library.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#ifdef _WIN32

namespace {

std::wstring Widen(const std::string& utf8) {
  const int length =
      MultiByteToWideChar(CP_UTF8, 0, utf8.data(), static_cast<int>(utf8.size()), nullptr, 0);
  std::wstring wide(length, L'\0');
  MultiByteToWideChar(CP_UTF8, 0, utf8.data(), static_cast<int>(utf8.size()), wide.data(), length);
  return wide;
}

std::string LastError() {
  char text[512];
  const DWORD code = GetLastError();
  const DWORD length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
                                      nullptr, code, 0, text, sizeof(text), nullptr);
  return "error " + std::to_string(code) + ": " + std::string(text, length);
}

bool IsPath(const std::string& name) { return name.find_first_of("/\\") != std::string::npos; }

}  // namespace

void* OpenLibrary(const std::string& path) {
  // For a path, search the library's own directory for its dependencies; for a bare name, search
  // only the system directory.
  const DWORD flags = IsPath(path) ? LOAD_WITH_ALTERED_SEARCH_PATH : LOAD_LIBRARY_SEARCH_SYSTEM32;
  const HMODULE library = LoadLibraryExW(Widen(path).c_str(), nullptr, flags);
  if (!library) throw std::runtime_error(path + ": " + LastError());
  return reinterpret_cast<void*>(library);
}

void* FindSymbol(void* library, const char* name) {
  const auto symbol = GetProcAddress(reinterpret_cast<HMODULE>(library), name);
  if (!symbol) throw std::runtime_error(std::string(name) + ": " + LastError());
  return reinterpret_cast<void*>(symbol);
}

#else

void* OpenLibrary(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(dlerror());
  return library;
}

void* FindSymbol(void* library, const char* name) {
  void* symbol = dlsym(library, name);
  if (!symbol) throw std::runtime_error(dlerror());
  return symbol;
}

#endif
