#include <ATen/Context.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <exception>
#include <mutex>
#include <utility>

#include "gpu/gpu.h"
#include "gpu/math_mode.h"
#include "nvjpeg.h"

// The GPU of gpu/gpu.h by CUDA. What is called as in NVIDIA's CUDA Runtime API reference.
namespace semisup::gpu {
namespace {

class CudaEvent final : public Event {
 public:
  CudaEvent(c10::cuda::CUDAStream stream, Wait wait) : device_(stream.device_index()) {
    const c10::cuda::CUDAGuard guard(device_);
    const unsigned flags =
        cudaEventDisableTiming | (wait == Wait::kSleeping ? cudaEventBlockingSync : 0);
    C10_CUDA_CHECK(cudaEventCreateWithFlags(&event_, flags));
    C10_CUDA_CHECK(cudaEventRecord(event_, stream));
  }
  ~CudaEvent() override {
    const c10::cuda::CUDAGuard guard(device_);
    C10_CUDA_CHECK_WARN(cudaEventDestroy(event_));
  }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  void Await() override {
    const c10::cuda::CUDAGuard guard(device_);
    C10_CUDA_CHECK(cudaEventSynchronize(event_));
  }
  cudaEvent_t get() const { return event_; }

 private:
  const c10::DeviceIndex device_;
  cudaEvent_t event_ = nullptr;
};

// One of our own: LibTorch's pool gives a stream to several, and what one of them asks of it while
// another records a graph on it would become part of that graph.
class CudaStream final : public Stream {
 public:
  explicit CudaStream(c10::DeviceIndex device) : CudaStream(device, Create(device)) {}
  ~CudaStream() override {
    const c10::cuda::CUDAGuard guard(stream_.device_index());
    C10_CUDA_CHECK_WARN(cudaStreamDestroy(stream_));
  }
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  void Run(std::function<void()> work) override {
    const c10::cuda::CUDAStreamGuard guard(stream_);
    work();
  }
  std::shared_ptr<Event> Record(Wait wait) override {
    return std::make_shared<CudaEvent>(stream_, wait);
  }
  void Follow(const std::shared_ptr<Event>& event) override {
    const c10::cuda::CUDAGuard guard(stream_.device_index());
    C10_CUDA_CHECK(cudaStreamWaitEvent(stream_, static_cast<CudaEvent&>(*event).get(), 0));
  }

 private:
  CudaStream(c10::DeviceIndex device, cudaStream_t stream)
      : stream_(c10::cuda::getStreamFromExternal(stream, device)) {}

  static cudaStream_t Create(c10::DeviceIndex device) {
    const c10::cuda::CUDAGuard guard(device);
    cudaStream_t stream = nullptr;
    C10_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    return stream;
  }

  const c10::cuda::CUDAStream stream_;
};

// LibTorch's allocator gives nothing back while any graph is recorded, and says so by an exception.
std::mutex& RecordingMutex() {
  static std::mutex mutex;
  return mutex;
}

class CudaGraph final : public Graph {
 public:
  CudaGraph(Stream& stream, const CudaGraph* family, const std::function<void()>& work) {
    const std::lock_guard lock(RecordingMutex());
    stream.Run([&] {
      // Other threads may go on, as long as they keep off this stream.
      graph_.capture_begin(family ? family->pool_ : c10::MempoolId_t{0, 0},
                           cudaStreamCaptureModeThreadLocal);
      Record(work);
      pool_ = graph_.pool();
    });
  }

  void Replay() override { graph_.replay(); }

 private:
  // A recording must be ended, however the work ends; the first failure is the one that is told.
  void Record(const std::function<void()>& work) {
    try {
      work();
    } catch (...) {
      const auto failure = std::current_exception();
      try {
        graph_.capture_end();
      } catch (const std::exception&) {
        // It tells of the same.
      }
      std::rethrow_exception(failure);
    }
    graph_.capture_end();
  }

  at::cuda::CUDAGraph graph_;
  c10::MempoolId_t pool_{0, 0};
};

class Cuda final : public Gpu {
 public:
  explicit Cuda(c10::DeviceIndex index) : device_(c10::kCUDA, index) {}

  c10::Device device() const override { return device_; }
  bool Holds(const at::Tensor& tensor) const override { return tensor.device() == device_; }
  std::unique_ptr<Stream> NewStream() override {
    return std::make_unique<CudaStream>(device_.index());
  }
  std::unique_ptr<Graph> Capture(Stream& stream, const Graph* family,
                                 const std::function<void()>& work) override {
    return std::make_unique<CudaGraph>(stream, static_cast<const CudaGraph*>(family), work);
  }
  at::Tensor HostMemory(at::IntArrayRef sizes) override {
    return at::empty(sizes, at::TensorOptions(at::kByte).pinned_memory(true));
  }
  std::unique_ptr<JpegDecoder> NewJpegDecoder(const std::vector<std::string>& libraries) override {
    return OpenNvJpeg(libraries, device_.index());
  }
  void ReleaseMemory() override {
    const std::lock_guard lock(RecordingMutex());
    c10::cuda::CUDACachingAllocator::emptyCache();
  }

 private:
  const c10::Device device_;
};

}  // namespace
}  // namespace semisup::gpu

// Gives the GPU of an index, or throws with CUDA's words.
extern "C" __attribute__((visibility("default"))) semisup::gpu::Gpu* semisup_open_gpu(int index) {
  const int count = c10::cuda::device_count_ensure_non_zero();
  TORCH_CHECK(index >= 0 && index < count, "there are ", count, " GPUs, and none of index ", index);
  at::globalContext().lazyInitDevice(c10::kCUDA);
  semisup::gpu::SetTf32(false);
  return new semisup::gpu::Cuda(static_cast<c10::DeviceIndex>(index));
}
