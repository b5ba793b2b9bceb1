#include "runtime/low_priority.h"

#ifdef _WIN32
#include <windows.h>
#elif defined(__APPLE__)
#include <pthread.h>
#else
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace semisup {

#ifdef _WIN32

void LowerPriority() { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_LOWEST); }

#elif defined(__APPLE__)

// The next lower class would measure on slow cores.
void LowerPriority() { pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0); }

#else

void LowerPriority() {
  // A thread that wakes up takes a core of such threads, whereas it avoids one of any niceness.
  const sched_param none{};
  sched_setscheduler(static_cast<pid_t>(syscall(SYS_gettid)), SCHED_IDLE, &none);
}

#endif

}  // namespace semisup
