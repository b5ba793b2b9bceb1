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

#include "cuda/nvjpeg.h"
#include "cuda/streams.h"
#include "gpu/gpu.h"
#include "gpu/math_mode.h"

// Implements gpu/gpu.h with CUDA. The functions it calls are documented in NVIDIA's CUDA Runtime
// API reference.
namespace semisup::gpu {
namespace {

class CudaEvent final : public Event {
 public:
  CudaEvent(c10::cuda::CUDAStream stream, WaitMode mode) : device_(stream.device_index()) {
    const c10::cuda::CUDAGuard guard(device_);
    const unsigned flags =
        cudaEventDisableTiming | (mode == WaitMode::kBlock ? cudaEventBlockingSync : 0);
    C10_CUDA_CHECK(cudaEventCreateWithFlags(&event_, flags));
    const auto recorded = cudaEventRecord(event_, stream);
    if (recorded != cudaSuccess) cudaEventDestroy(event_);
    C10_CUDA_CHECK(recorded);
  }
  ~CudaEvent() override { C10_CUDA_CHECK_WARN(cudaEventDestroy(event_)); }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  void Synchronize() override {
    const c10::cuda::CUDAGuard guard(device_);
    C10_CUDA_CHECK(cudaEventSynchronize(event_));
  }
  cudaEvent_t get() const { return event_; }

 private:
  const c10::DeviceIndex device_;
  cudaEvent_t event_ = nullptr;
};

class CudaStream final : public Stream {
 public:
  CudaStream(c10::DeviceIndex device, StreamUse use)
      : use_(use), stream_(c10::cuda::getStreamFromExternal(AcquireStream(device, use), device)) {}
  ~CudaStream() override { ReleaseStream(stream_.device_index(), use_, stream_); }
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  void Run(std::function<void()> work) override {
    const c10::cuda::CUDAStreamGuard guard(stream_);
    work();
  }
  std::shared_ptr<Event> Record(WaitMode mode) override {
    return std::make_shared<CudaEvent>(stream_, mode);
  }
  void WaitFor(const std::shared_ptr<Event>& event) override {
    const c10::cuda::CUDAGuard guard(stream_.device_index());
    C10_CUDA_CHECK(cudaStreamWaitEvent(stream_, static_cast<CudaEvent&>(*event).get(), 0));
  }

 private:
  const StreamUse use_;
  const c10::cuda::CUDAStream stream_;
};

// Serializes captures and the release of cached memory: LibTorch's allocator throws if asked to
// release memory while any graph is being captured.
std::mutex& CaptureMutex() {
  static std::mutex mutex;
  return mutex;
}

class CudaGraph final : public Graph {
 public:
  CudaGraph(c10::DeviceIndex device, Stream& stream, const CudaGraph* pool_graph,
            const std::function<void()>& work)
      : device_(device), pool_(pool_graph ? pool_graph->pool_ : at::cuda::graph_pool_handle()) {
    const std::lock_guard lock(CaptureMutex());
    stream.Run([&] { Capture(work); });
  }

  void Replay() override { graph_.replay(); }

 private:
  // Rethrows the first failure.
  void Capture(const std::function<void()>& work) {
    try {
      // Thread-local mode lets other threads call CUDA meanwhile, as long as they do not use this
      // stream.
      graph_.capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
      std::exception_ptr failure;
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      // A capture must be ended even if the work failed.
      try {
        graph_.capture_end();
      } catch (...) {
        if (!failure) throw;
      }
      if (failure) std::rethrow_exception(failure);
    } catch (...) {
      Abandon();
      throw;
    }
  }

  // After a failed capture, LibTorch's allocator would consider it in progress and refuse to
  // release memory for the rest of the process: end it in the allocator too.
  void Abandon() const {
    namespace allocator = c10::cuda::CUDACachingAllocator;
    try {
      allocator::endAllocateToPool(device_, pool_);
      allocator::releasePool(device_, pool_);
    } catch (const std::exception&) {
      // The allocator had already ended the capture.
    }
  }

  const c10::DeviceIndex device_;
  const c10::MempoolId_t pool_;
  at::cuda::CUDAGraph graph_;
};

class Cuda final : public Gpu {
 public:
  explicit Cuda(c10::DeviceIndex index) : device_(c10::kCUDA, index) {}

  c10::Device device() const override { return device_; }
  bool Holds(const at::Tensor& tensor) const override { return tensor.device() == device_; }
  std::unique_ptr<Stream> NewCaptureStream() override {
    return std::make_unique<CudaStream>(device_.index(), StreamUse::kCapture);
  }
  std::shared_ptr<Event> RecordCurrentStream() override {
    return std::make_shared<CudaEvent>(c10::cuda::getCurrentCUDAStream(device_.index()),
                                       WaitMode::kBlock);
  }
  std::unique_ptr<Stream> NewStream() override {
    return std::make_unique<CudaStream>(device_.index(), StreamUse::kOther);
  }
  std::unique_ptr<Graph> Capture(Stream& stream, const Graph* pool_graph,
                                 const std::function<void()>& work) override {
    return std::make_unique<CudaGraph>(device_.index(), stream,
                                       static_cast<const CudaGraph*>(pool_graph), work);
  }
  at::Tensor AllocatePinned(at::IntArrayRef sizes) override {
    return at::empty(sizes, at::TensorOptions(at::kByte).pinned_memory(true));
  }
  std::unique_ptr<JpegDecoder> NewJpegDecoder(const std::vector<std::string>& libraries) override {
    return OpenNvJpeg(libraries, device_.index());
  }
  void ReleaseCachedMemory() override {
    const std::lock_guard lock(CaptureMutex());
    c10::cuda::CUDACachingAllocator::emptyCache();
  }

 private:
  const c10::Device device_;
};

}  // namespace
}  // namespace semisup::gpu

// Returns the GPU with the index, or throws with CUDA's error message.
extern "C" __attribute__((visibility("default"))) semisup::gpu::Gpu* semisup_open_gpu(int index) {
  const int count = c10::cuda::device_count_ensure_non_zero();
  TORCH_CHECK(index >= 0 && index < count, "Expected a GPU index below ", count, ", but received ",
              index, ".");
  at::globalContext().lazyInitDevice(c10::kCUDA);
  semisup::gpu::SetTf32(false);
  return new semisup::gpu::Cuda(static_cast<c10::DeviceIndex>(index));
}
