// Stands in for a GPU: a stream's work is done as late as possible, when an event is awaited, so that
// whatever is not waited for has not happened. Told by the environment:
//   FAKE_GPU_FAILS  what fails: graphs, memory or the device
//   FAKE_GPU_LOG    a file to which is written what happens, a line each
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <cstdlib>
#include <deque>
#include <fstream>
#include <mutex>
#include <string>
#include <utility>

#include "gpu/gpu.h"

namespace semisup::gpu {
namespace {

bool Fails(const std::string& what) {
  const char* fails = std::getenv("FAKE_GPU_FAILS");
  return fails && fails == what;
}

void Log(const std::string& line) {
  if (const char* path = std::getenv("FAKE_GPU_LOG")) std::ofstream(path, std::ios::app) << line + '\n';
}

// Of all streams: what one does may have to wait for another.
std::recursive_mutex mutex;

struct Queue {
  std::deque<std::function<void()>> work;
  size_t pushed = 0;
  size_t done = 0;

  void Push(std::function<void()> one) {
    const std::lock_guard lock(mutex);
    work.push_back(std::move(one));
    pushed++;
  }
  void DoUntil(size_t wanted) {
    const std::lock_guard lock(mutex);
    while (done < wanted) {
      const auto one = std::move(work.front());
      work.pop_front();
      done++;
      try {
        one();
      } catch (...) {
        // What throws is not handed over at all, and neither is what its caller meant to follow.
        work.clear();
        done = pushed;
        throw;
      }
    }
  }
};

struct FakeEvent final : Event {
  explicit FakeEvent(std::shared_ptr<Queue> of) : queue(std::move(of)), position(queue->pushed) {}
  void Await() override {
    queue->DoUntil(position);
    if (!Fails("the device")) return;
    throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, 719, "unspecified launch failure");
  }
  const std::shared_ptr<Queue> queue;
  const size_t position;
};

struct FakeStream final : Stream {
  void Run(std::function<void()> work) override { queue->Push(std::move(work)); }
  std::shared_ptr<Event> Record(Wait) override { return std::make_shared<FakeEvent>(queue); }
  void Follow(const std::shared_ptr<Event>& event) override {
    const auto* other = static_cast<FakeEvent*>(event.get());
    queue->Push([of = other->queue, position = other->position] { of->DoUntil(position); });
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

struct FakeGpu final : Gpu {
  c10::Device device() const override { return at::kCPU; }
  bool Holds(const at::Tensor&) const override { return false; }
  std::unique_ptr<Stream> NewStream() override { return std::make_unique<FakeStream>(); }
  std::unique_ptr<Graph> Capture(Stream&, const Graph* family,
                                 const std::function<void()>& work) override {
    TORCH_CHECK(!Fails("graphs"), "operation not permitted when stream is capturing");
    TORCH_CHECK_WITH(OutOfMemoryError, !Fails("memory"), "CUDA out of memory.");
    Log(family ? "capture in a family" : "capture");
    return std::make_unique<FakeGraph>(work);
  }
  at::Tensor HostMemory(at::IntArrayRef sizes) override {
    return at::empty(sizes, at::kByte);
  }
  void ReleaseMemory() override { Log("release"); }
};

}  // namespace
}  // namespace semisup::gpu

extern "C" __attribute__((visibility("default"))) semisup::gpu::Gpu* semisup_open_gpu(int index) {
  TORCH_CHECK(index < 2, "invalid device ordinal");
  return new semisup::gpu::FakeGpu;
}
