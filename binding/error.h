#pragma once
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace semisup {

// A failure with the code that JavaScript sees (src/errors.ts); the one exception of this binding.
class Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& what) : std::runtime_error(what), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

// What an exception of LibTorch says, without LibTorch's own C++ backtrace.
std::string Describe(const std::exception& exception);

// The code of an exception of LibTorch: of its own where the device is to blame.
const char* CodeOf(const std::exception& exception, const char* otherwise);

// Runs `body`; whatever LibTorch throws leaves as an Error of this code, or of CodeOf().
template <class Body>
auto WithCode(const char* code, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    throw Error(CodeOf(exception, code), Describe(exception));
  }
}

}  // namespace semisup
