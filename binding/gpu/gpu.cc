#include "gpu.h"

#include <map>
#include <mutex>
#include <utility>

#include "../loader/library.h"

namespace semisup::gpu {

std::shared_ptr<Gpu> Open(const std::string& path, int index) {
  // For the process, as the devices are; what the driver has torn down by its end is not freed.
  static auto& mutex = *new std::mutex;
  static auto& known = *new std::map<std::pair<std::string, int>, std::shared_ptr<Gpu>>;
  const std::lock_guard lock(mutex);
  auto& gpu = known[{path, index}];
  if (!gpu) {
    const auto open =
        reinterpret_cast<OpenFunction>(FindSymbol(OpenLibrary(path), "semisup_open_gpu"));
    gpu.reset(open(index));
  }
  return gpu;
}

}  // namespace semisup::gpu
