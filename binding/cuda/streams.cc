#include "cuda/streams.h"

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>

#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace semisup::gpu {
namespace {

struct FreeStreams {
  std::mutex mutex;
  std::map<std::pair<c10::DeviceIndex, StreamUse>, std::vector<cudaStream_t>> by_use;
};

// Never destroyed, so that streams can be released until the end of the process.
FreeStreams& Free() {
  static auto& streams = *new FreeStreams;
  return streams;
}

}  // namespace

cudaStream_t AcquireStream(c10::DeviceIndex device, StreamUse use) {
  {
    const std::lock_guard lock(Free().mutex);
    auto& free = Free().by_use[{device, use}];
    if (!free.empty()) {
      const auto stream = free.back();
      free.pop_back();
      return stream;
    }
  }
  const c10::cuda::CUDAGuard guard(device);
  cudaStream_t stream = nullptr;
  C10_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

void ReleaseStream(c10::DeviceIndex device, StreamUse use, cudaStream_t stream) {
  const std::lock_guard lock(Free().mutex);
  Free().by_use[{device, use}].push_back(stream);
}

}  // namespace semisup::gpu
