#pragma once
#include <ATen/core/Tensor.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "gpu.h"

namespace semisup::gpu {

// A tensor that is there when the work of its stream has come so far.
using Pending = std::shared_ptr<at::Tensor>;

// Images on the GPU, and when they are.
struct Staged {
  Pending images;
  std::shared_ptr<Event> event;
};

// Ways up to the GPU, each with a stream and memory of its own, so that images are copied while
// those before them are computed.
class Lanes {
  struct Lane;

 public:
  Lanes(Gpu& gpu, int count);

  // The use of a lane, until it is destroyed: what was staged must have been read by then.
  class Turn {
   public:
    explicit Turn(Lanes& lanes);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    Staged Stage(const at::Tensor& images) const;

   private:
    Lanes& lanes_;
    std::shared_ptr<Lane> lane_;
  };

 private:
  struct Lane {
    std::unique_ptr<Stream> stream;
    at::Tensor memory;
  };

  Gpu& gpu_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::shared_ptr<Lane>> free_;
};

}  // namespace semisup::gpu
