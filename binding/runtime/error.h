#pragma once
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace semisup {

// A failure with the code that JavaScript sees (src/errors.ts). The binding throws no other type of
// its own.
class Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& what) : std::runtime_error(what), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

// Each addon defines these for the exceptions of its libraries, in library_errors.cc.
//
// The message of an exception, without LibTorch's C++ backtrace.
std::string MessageWithoutBacktrace(const std::exception& exception);
// The code of a device failure if the exception is one, else `fallback`.
const char* ErrorCodeFor(const std::exception& exception, const char* fallback);

// Runs `body` and rethrows any standard exception as an Error, with ErrorCodeFor(exception, code).
// An Error passes unchanged.
template <class Body>
auto WithCode(const char* code, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    throw Error(ErrorCodeFor(exception, code), MessageWithoutBacktrace(exception));
  }
}

}  // namespace semisup
