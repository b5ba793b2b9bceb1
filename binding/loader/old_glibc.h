#pragma once
// Included before every source file on Linux (see CMakeLists.txt). The linker binds each symbol to
// its newest version, which older systems lack. This header selects versions that exist wherever
// LibTorch runs: glibc 2.28, and the libstdc++ of GCC 8 (GLIBCXX_3.4.25).
// test/95.process/80.binaries.ts checks the result.
#include <features.h>

#if defined(__GLIBC__) && defined(__cplusplus)
#include <bits/c++config.h>

// condition_variable::wait_for() would call pthread_cond_clockwait() of glibc 2.30. Without it, a
// change of the system clock can lengthen or shorten a wait.
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT

// shared_ptr reads this variable of glibc 2.32 to skip atomic operations in a single-threaded
// process. This definition says that there are several threads.
extern "C" {
__attribute__((weak, visibility("hidden"))) char __libc_single_threaded = 0;
}

#if defined(__x86_64__)
#define SEMISUP_BASE_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define SEMISUP_BASE_VERSION "GLIBC_2.17"
#endif

#ifdef SEMISUP_BASE_VERSION
// glibc 2.34 moved these from libdl and libpthread into libc, with a new version.
#define SEMISUP_OLD_VERSION(name) __asm__(".symver " #name ", " #name "@" SEMISUP_BASE_VERSION)
SEMISUP_OLD_VERSION(dlopen);
SEMISUP_OLD_VERSION(dlsym);
SEMISUP_OLD_VERSION(dlerror);
SEMISUP_OLD_VERSION(pthread_once);
SEMISUP_OLD_VERSION(pthread_create);
SEMISUP_OLD_VERSION(pthread_join);
SEMISUP_OLD_VERSION(pthread_detach);
SEMISUP_OLD_VERSION(pthread_attr_setstacksize);
#undef SEMISUP_OLD_VERSION
#undef SEMISUP_BASE_VERSION

// libstdc++ of GCC 12 gave condition_variable::wait() a new version.
__asm__(
    ".symver _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE, "
    "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
#endif
#endif
