// What GCC 11 and later call in libstdc++ and the libstdc++ of GCC 8 lacks. In the addon that links
// LibTorch, LibTorch provides it. test/95.process/80.binaries.ts checks the result.
#include <exception>
#include <new>

#if defined(__linux__) && defined(__GLIBCXX__) && __GNUC__ >= 11

// The copy constructor and the destructor of std::exception_ptr, which every version exports.
extern "C" void SemisupCopyExceptionPtr(void* copy, const void* original) noexcept
    __asm__("_ZNSt15__exception_ptr13exception_ptrC1ERKS0_");
extern "C" void SemisupDestroyExceptionPtr(void* pointer) noexcept
    __asm__("_ZNSt15__exception_ptr13exception_ptrD1Ev");

namespace std {

void __throw_bad_array_new_length() { throw std::bad_array_new_length(); }

namespace __exception_ptr {

// Leaves a reference behind: that of the copy, which is not destroyed.
void exception_ptr::_M_addref() noexcept {
  void* copy = nullptr;
  SemisupCopyExceptionPtr(&copy, this);
}

void exception_ptr::_M_release() noexcept {
  void* object = _M_exception_object;
  _M_exception_object = nullptr;
  SemisupDestroyExceptionPtr(&object);
}

}  // namespace __exception_ptr
}  // namespace std

#endif
