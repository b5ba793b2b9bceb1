#pragma once
#include <stdexcept>
#include <string>

// Opens a shared library by its path, or by a name that the system searches for, and returns a
// handle for FindSymbol(). Throws std::runtime_error with the system's error message.
//
// The library is never closed: LibTorch registers operators and thread-local destructors in the
// process, and both outlive every JS environment.
void* OpenLibrary(const std::string& path);

// Throws std::runtime_error if the library has no such function.
void* FindSymbol(void* library, const char* name);

template <class Signature>
struct Function;

// A function of a library that is looked up by name.
template <class Result, class... Arguments>
struct Function<Result(Arguments...)> {
  Function(void* library, const char* name)
      : call(reinterpret_cast<Result (*)(Arguments...)>(FindSymbol(library, name))) {}

  Result operator()(Arguments... arguments) const { return call(arguments...); }

  Result (*call)(Arguments...);
};
