#pragma once
#include <ATen/core/Tensor.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "gpu/gpu.h"

namespace semisup::gpu {

// A tensor that becomes defined once the stream has run the work that computes it.
using PendingTensor = std::shared_ptr<at::Tensor>;

// Images on the GPU. They are complete after `event`.
struct StagedImages {
  PendingTensor images;
  std::shared_ptr<Event> event;
};

// Streams that copy images to the GPU, each with its own device buffer, so that one batch uploads
// while another is computed. Thread-safe.
class UploadStreams {
  struct Slot;

 public:
  UploadStreams(Gpu& gpu, int count);

  // Exclusive use of one stream; the constructor waits until one is free. The buffer is reused when
  // the lease ends, so the staged images must have been read by then.
  class Lease {
   public:
    explicit Lease(UploadStreams& streams);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    StagedImages Stage(const at::Tensor& images) const;

   private:
    UploadStreams& streams_;
    std::shared_ptr<Slot> slot_;
  };

 private:
  struct Slot {
    std::unique_ptr<Stream> stream;
    at::Tensor buffer;
  };

  Gpu& gpu_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::shared_ptr<Slot>> free_;
};

}  // namespace semisup::gpu
