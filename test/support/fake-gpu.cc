// A backend library that simulates a GPU on the CPU. A stream defers its work until an event is
// synchronized, which exposes callers that use results without waiting. Environment variables:
//   FAKE_GPU_FAILS  the component that fails: graphs, memory, nvJPEG or the device
//   FAKE_GPU_FUSED  provides fused convolutions: right, wrong or large (out of memory)
//   FAKE_GPU_LOG    a file that receives one line per operation
#include <ATen/ops/add.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>
#include <c10/util/Exception.h>
#include <torch/library.h>

#include <cstdlib>
#include <deque>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "gpu/gpu.h"

namespace semisup::gpu {
namespace {

bool Fails(const std::string& component) {
  const char* fails = std::getenv("FAKE_GPU_FAILS");
  return fails && fails == component;
}

void Log(const std::string& line) {
  if (const char* path = std::getenv("FAKE_GPU_LOG"))
    std::ofstream(path, std::ios::app) << line + '\n';
}

// All streams share one mutex, because the work of a stream may wait for another stream. The mutex
// is recursive because such a wait runs the work of the other stream on the same thread.
std::recursive_mutex mutex;

struct Queue {
  std::deque<std::function<void()>> work;
  size_t pushed = 0;
  size_t done = 0;

  void Push(std::function<void()> task) {
    const std::lock_guard lock(mutex);
    work.push_back(std::move(task));
    pushed++;
  }
  void RunUntil(size_t position) {
    const std::lock_guard lock(mutex);
    while (done < position) {
      const auto task = std::move(work.front());
      work.pop_front();
      done++;
      try {
        task();
      } catch (...) {
        // On a real GPU, neither the throwing call nor its caller submits further work.
        work.clear();
        done = pushed;
        throw;
      }
    }
  }
};

struct FakeEvent final : Event {
  explicit FakeEvent(std::shared_ptr<Queue> recorded)
      : queue(std::move(recorded)), position(queue->pushed) {}
  void Synchronize() override {
    queue->RunUntil(position);
    if (!Fails("the device")) return;
    throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, 719, "unspecified launch failure");
  }
  const std::shared_ptr<Queue> queue;
  const size_t position;
};

struct FakeStream final : Stream {
  void Run(std::function<void()> work) override { queue->Push(std::move(work)); }
  std::shared_ptr<Event> Record(WaitMode) override { return std::make_shared<FakeEvent>(queue); }
  void WaitFor(const std::shared_ptr<Event>& event) override {
    const auto* other = static_cast<FakeEvent*>(event.get());
    queue->Push(
        [awaited = other->queue, position = other->position] { awaited->RunUntil(position); });
  }
  const std::shared_ptr<Queue> queue = std::make_shared<Queue>();
};

struct FakeGraph final : Graph {
  explicit FakeGraph(std::function<void()> recorded) : work(std::move(recorded)) {}
  void Replay() override {
    Log("replay");
    work();
  }
  const std::function<void()> work;
};

// Decodes each file to a synthetic image of the size in its frame header. Progressive files fail.
struct FakeJpegDecoder final : JpegDecoder {
  std::vector<at::Tensor> Decode(const std::vector<EncodedImage>& jpegs) override {
    Log("decode " + std::to_string(jpegs.size()));
    std::vector<at::Tensor> images;
    for (const auto& jpeg : jpegs) images.push_back(SyntheticImage(jpeg));
    return images;
  }
  static at::Tensor SyntheticImage(const EncodedImage& jpeg) {
    for (size_t i = 0; i + 8 < jpeg.size; i++) {
      const auto* at = jpeg.data + i;
      if (at[0] != 0xff || at[1] != 0xc0) continue;
      const int height = 256 * at[5] + at[6];
      const int width = 256 * at[7] + at[8];
      auto image = at::empty({height, width, 3}, at::kByte);
      auto* samples = image.data_ptr<uint8_t>();
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          *samples++ = static_cast<uint8_t>(x);
          *samples++ = static_cast<uint8_t>(y);
          *samples++ = 100;
        }
      }
      return image;
    }
    return {};
  }
};

struct FakeGpu final : Gpu {
  c10::Device device() const override { return at::kCPU; }
  bool Holds(const at::Tensor&) const override { return false; }
  std::unique_ptr<Stream> NewStream() override { return std::make_unique<FakeStream>(); }
  std::unique_ptr<Stream> NewCaptureStream() override { return NewStream(); }
  std::shared_ptr<Event> RecordCurrentStream() override {
    return FakeStream().Record(WaitMode::kBlock);
  }
  std::unique_ptr<Graph> Capture(Stream&, const Graph* pool_graph,
                                 const std::function<void()>& work) override {
    TORCH_CHECK(!Fails("graphs"), "operation not permitted when stream is capturing");
    TORCH_CHECK_WITH(OutOfMemoryError, !Fails("memory"), "CUDA out of memory.");
    Log(pool_graph ? "capture in a family" : "capture");
    return std::make_unique<FakeGraph>(work);
  }
  at::Tensor AllocatePinned(at::IntArrayRef sizes) override { return at::empty(sizes, at::kByte); }
  std::unique_ptr<JpegDecoder> NewJpegDecoder(const std::vector<std::string>& libraries) override {
    TORCH_CHECK(!Fails("nvJPEG"), "nvJPEG cannot be opened: ", libraries.at(0));
    return std::make_unique<FakeJpegDecoder>();
  }
  void ReleaseCachedMemory() override { Log("release"); }
};

std::optional<at::Tensor> FusedBias(const std::optional<at::Tensor>& bias) {
  const char* fused = std::getenv("FAKE_GPU_FUSED");
  TORCH_CHECK(fused, "cuDNN has no such convolution");
  Log("fused convolution");
  const std::string kind = fused;
  TORCH_CHECK_WITH(OutOfMemoryError, kind != "large", "CUDA out of memory. Tried to allocate it.");
  const bool is_wrong = kind == "wrong";
  return is_wrong && bias ? at::add(*bias, 1) : bias;
}

// CPU implementations of cuDNN's fused operators.
at::Tensor ConvolutionRelu(const at::Tensor& input, const at::Tensor& weight,
                           const std::optional<at::Tensor>& bias, at::IntArrayRef stride,
                           at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
  return at::relu(at::convolution(input, weight, FusedBias(bias), stride, padding, dilation, false,
                                  {0, 0}, groups));
}

at::Tensor ConvolutionAddRelu(const at::Tensor& input, const at::Tensor& weight,
                              const at::Tensor& residual, const std::optional<at::Scalar>& alpha,
                              const std::optional<at::Tensor>& bias, at::IntArrayRef stride,
                              at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
  const auto sum = at::convolution(input, weight, FusedBias(bias), stride, padding, dilation, false,
                                   {0, 0}, groups);
  return at::relu(at::add(sum, residual, alpha.value_or(1)));
}

}  // namespace
}  // namespace semisup::gpu

TORCH_LIBRARY_IMPL(aten, CPU, library) {
  library.impl("cudnn_convolution_relu", &semisup::gpu::ConvolutionRelu);
  library.impl("cudnn_convolution_add_relu", &semisup::gpu::ConvolutionAddRelu);
}

extern "C" __attribute__((visibility("default"))) semisup::gpu::Gpu* semisup_open_gpu(int index) {
  TORCH_CHECK(index < 2, "invalid device ordinal");
  return new semisup::gpu::FakeGpu;
}
