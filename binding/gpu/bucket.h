#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>

#include "gpu.h"
#include "lanes.h"
#include "network.h"

namespace semisup::gpu {

// How batches of a size run.
struct Launch {
  // How many images the batch has; smaller ones are filled up.
  int64_t images = 0;
  // Whether they run as one graph, or operator by operator.
  bool is_graph = false;
  // Whether cuDNN's convolutions add and rectify too.
  bool is_fused = false;
  // What a batch takes.
  double milliseconds = 0;
  // What else was tried and why it failed; empty if nothing did.
  std::string reason;
};

// Images of one shape, so many at a time, with memory of their own that a graph was recorded with.
// It is made by measuring, on a stream, what its batches will run on.
class Bucket {
 public:
  // The first `count` of `size` images are given. `family`: a bucket that never runs at the same
  // time, or null.
  Bucket(Gpu& gpu, Stream& stream, std::shared_ptr<const Network> network, const Pending& images,
         int64_t size, const Bucket* family);

  // Hands over the first `count` images; their rows are there when that is done.
  void Run(Stream& stream, const Pending& images, const Pending& rows) const;
  const Launch& launch() const { return launch_; }

 private:
  struct Buffers {
    at::Tensor input;
    at::Tensor output;
  };

  void Try(Gpu& gpu, Stream& stream, const std::shared_ptr<const Network>& network, bool fused,
           const Graph* family);
  void Note(const std::string& problem);

  // What is right, by plain convolutions.
  const Pending reference_ = std::make_shared<at::Tensor>();
  const std::shared_ptr<Buffers> buffers_ = std::make_shared<Buffers>();
  std::shared_ptr<Graph> graph_;
  // From the input to the output.
  std::function<void()> work_;
  Launch launch_;
};

}  // namespace semisup::gpu
