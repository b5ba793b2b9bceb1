#include "runtime/low_priority.h"

#ifdef _WIN32
#include <windows.h>
#elif defined(__APPLE__)
#include <pthread.h>
#else
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace semisup {

#ifdef _WIN32

void LowerPriority() { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_BELOW_NORMAL); }

#elif defined(__APPLE__)

void LowerPriority() { pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0); }

#else

void LowerPriority() {
  constexpr int kNiceness = 10;
  // On Linux a thread has a niceness of its own.
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNiceness);
}

#endif

}  // namespace semisup
