#include "gpu/gpu.h"

#include <map>
#include <mutex>
#include <utility>

#include "loader/library.h"

namespace semisup::gpu {

std::shared_ptr<Gpu> Open(const std::string& path, int index) {
  // One per process, as the devices are. Never destroyed: by the end of the process the driver may
  // already be shut down, and freeing memory would fail.
  static auto& mutex = *new std::mutex;
  static auto& opened = *new std::map<std::pair<std::string, int>, std::shared_ptr<Gpu>>;
  const std::lock_guard lock(mutex);
  auto& gpu = opened[{path, index}];
  if (!gpu) {
    const auto open =
        reinterpret_cast<OpenFunction>(FindSymbol(OpenLibrary(path), "semisup_open_gpu"));
    gpu.reset(open(index));
  }
  return gpu;
}

}  // namespace semisup::gpu
