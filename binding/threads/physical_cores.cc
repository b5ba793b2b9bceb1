#include "threads/physical_cores.h"

#include <algorithm>
#include <set>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>

#include <fstream>
#endif

namespace semisup::threads {

int64_t PhysicalCores() {
  const int64_t logical = std::max(1U, std::thread::hardware_concurrency());
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return logical;
  // The logical cores of a physical one have the same siblings.
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                       "/topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(file, siblings)) return CPU_COUNT(&allowed);
    cores.insert(siblings);
  }
  return std::max<int64_t>(1, static_cast<int64_t>(cores.size()));
#else
  return logical;
#endif
}

}  // namespace semisup::threads
