#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// What inference needs from a GPU beyond LibTorch's operators. A backend library, opened at run
// time, implements it, so that this library does not depend on CUDA.
namespace semisup::gpu {

// How a thread waits for an event: spinning wakes it with the least latency but occupies a core;
// blocking yields the core.
enum class WaitMode { kSpin, kBlock };

// A point in the work of a stream.
class Event {
 public:
  virtual ~Event() = default;
  // Blocks until all work before the event is done. Throws the failure of that work.
  virtual void Synchronize() = 0;
};

// A queue of work that runs in order, concurrently with other streams.
class Stream {
 public:
  virtual ~Stream() = default;
  // Runs `work`, whose operators may execute on the device after this returns: the tensors that
  // they read and write must outlive them. An implementation may also run `work` itself later, so
  // it must own what it captures.
  virtual void Run(std::function<void()> work) = 0;
  // Records an event after all work submitted so far.
  virtual std::shared_ptr<Event> Record(WaitMode mode) = 0;
  // Makes work submitted from now on wait for the event, without blocking the calling thread.
  virtual void WaitFor(const std::shared_ptr<Event>& event) = 0;
};

// Captured work that is launched as a whole.
class Graph {
 public:
  virtual ~Graph() = default;
  // Call it within the work of a stream. Replays must not overlap.
  virtual void Replay() = 0;
};

// An encoded file in memory, which the caller keeps alive.
struct EncodedImage {
  const uint8_t* data;
  size_t size;
};

// Decodes JPEGs on a GPU. Not thread-safe.
class JpegDecoder {
 public:
  virtual ~JpegDecoder() = default;
  // Decodes each file to uint8 [h, w, 3] on the GPU, complete on return; a tensor is undefined if
  // its file cannot be decoded.
  virtual std::vector<at::Tensor> Decode(const std::vector<EncodedImage>& jpegs) = 0;
};

class Gpu {
 public:
  virtual ~Gpu() = default;
  // The device of its tensors.
  virtual c10::Device device() const = 0;
  // Whether the tensor is on this GPU.
  virtual bool Holds(const at::Tensor& tensor) const = 0;
  virtual std::unique_ptr<Stream> NewStream() = 0;
  // A stream that graphs may be captured on.
  virtual std::unique_ptr<Stream> NewCaptureStream() = 0;
  // Records an event after all work submitted so far outside of these streams.
  virtual std::shared_ptr<Event> RecordCurrentStream() = 0;
  // Captures `work`, which the stream must have run before. If `pool_graph` is given, the graphs
  // share its memory pool for intermediate tensors, so their replays must not overlap.
  virtual std::unique_ptr<Graph> Capture(Stream& stream, const Graph* pool_graph,
                                         const std::function<void()>& work) = 0;
  // Allocates uint8 host memory that the device can read asynchronously (pinned memory).
  virtual at::Tensor AllocatePinned(at::IntArrayRef sizes) = 0;
  // Opens nvJPEG from the first of `libraries`, paths or names, that loads; throws if none does.
  virtual std::unique_ptr<JpegDecoder> NewJpegDecoder(
      const std::vector<std::string>& libraries) = 0;
  // Returns the memory that the allocator caches for later tensors to the device.
  virtual void ReleaseCachedMemory() = 0;
};

// The type of the function that a backend library exports as "semisup_open_gpu". It returns the GPU
// with the index; it may throw.
using OpenFunction = Gpu* (*)(int index);

// Opens a GPU through the backend library at `path`. Returns the same object for the same
// arguments. Thread-safe.
std::shared_ptr<Gpu> Open(const std::string& path, int index);

}  // namespace semisup::gpu
