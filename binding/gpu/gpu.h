#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

// What is asked of a GPU beyond LibTorch's operators. A library of its own answers, opened at run
// time, so that nothing here needs CUDA.
namespace semisup::gpu {

// How a thread waits: at once back when it is done but busy until then, or asleep.
enum class Wait { kSpinning, kSleeping };

// A point in the work of a stream.
class Event {
 public:
  virtual ~Event() = default;
  // Until all before it is done. Throws what went wrong with it.
  virtual void Await() = 0;
};

// Work that is done in order, beside that of other streams.
class Stream {
 public:
  virtual ~Stream() = default;
  // Runs `work`, whose operators are done by the device after this returned: what they read and
  // write must stay, and `work` itself, which may be run later too, must hold what it needs.
  virtual void Run(std::function<void()> work) = 0;
  // After all that was handed over so far.
  virtual std::shared_ptr<Event> Record(Wait wait) = 0;
  // What is handed over from now on waits for the event, which the calling thread does not.
  virtual void Follow(const std::shared_ptr<Event>& event) = 0;
};

// Work that is recorded, to be repeated at once.
class Graph {
 public:
  virtual ~Graph() = default;
  // Within the work of a stream, as often as one likes, but not twice at a time.
  virtual void Replay() = 0;
};

// A file in memory.
struct Encoded {
  const uint8_t* data;
  size_t size;
};

// Decodes JPEGs on a GPU; for one thread at a time.
class JpegDecoder {
 public:
  virtual ~JpegDecoder() = default;
  // Each as bytes [h, w, 3] there, when it returns; nothing for those that it cannot decode.
  virtual std::vector<at::Tensor> Decode(const std::vector<Encoded>& jpegs) = 0;
};

class Gpu {
 public:
  virtual ~Gpu() = default;
  // Where its tensors lie.
  virtual c10::Device device() const = 0;
  // Whether a tensor lies there.
  virtual bool Holds(const at::Tensor& tensor) const = 0;
  virtual std::unique_ptr<Stream> NewStream() = 0;
  // One that graphs can be recorded on.
  virtual std::unique_ptr<Stream> NewRecordingStream() = 0;
  // After all that was asked of the GPU outside of streams so far.
  virtual std::shared_ptr<Event> RecordHere() = 0;
  // Records `work`, which the stream has run before. The graphs of a `family`, which never run at
  // the same time, share the memory of what they compute between.
  virtual std::unique_ptr<Graph> Capture(Stream& stream, const Graph* family,
                                         const std::function<void()>& work) = 0;
  // Of the host, where the device reads it while threads go on. Bytes.
  virtual at::Tensor HostMemory(at::IntArrayRef sizes) = 0;
  // By the first of some libraries of nvJPEG that can be opened, paths or names; throws if none
  // can.
  virtual std::unique_ptr<JpegDecoder> NewJpegDecoder(
      const std::vector<std::string>& libraries) = 0;
  // Gives back what is kept for later tensors.
  virtual void ReleaseMemory() = 0;
};

// The function that such a library exports as "semisup_open_gpu": the GPU of an index. It may
// throw.
using OpenFunction = Gpu* (*)(int index);

// A GPU by the library at `path`. One and the same for all who ask.
std::shared_ptr<Gpu> Open(const std::string& path, int index);

}  // namespace semisup::gpu
