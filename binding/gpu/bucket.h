#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "gpu/gpu.h"
#include "gpu/network.h"
#include "gpu/upload_streams.h"

namespace semisup::gpu {

// The fastest measured way to launch the batches of one size.
struct LaunchConfig {
  // The batch size. Smaller batches are padded to it.
  int64_t batch_size = 0;
  // Whether a batch is launched as one graph, or operator by operator.
  bool is_graph = false;
  // Whether convolutions run with cuDNN's fused residual and ReLU.
  bool is_fused = false;
  // The duration of a batch.
  double milliseconds = 0;
  // The alternatives that failed, and why; empty if none did.
  std::string failures;
};

// A graph bucket: runs the batches of one image shape and size by a captured graph with fixed
// buffers. Its constructor captures and measures the alternatives, and keeps the fastest.
class Bucket {
 public:
  // `images`: at most `size` images to measure with. `pool_owner`: a bucket whose graph memory this
  // one shares, so that the two must not run concurrently, or null.
  Bucket(Gpu& gpu, Stream& stream, std::shared_ptr<const Network> network, const Pending& images,
         int64_t size, const Bucket* pool_owner);

  // Submits at most `size` images. `rows` is defined once the stream's work has run.
  void Run(Stream& stream, const Pending& images, const Pending& rows) const;
  const LaunchConfig& config() const { return config_; }

 private:
  struct Buffers {
    at::Tensor input;
    at::Tensor output;
  };

  // Checks and measures one alternative, and selects it if it is the fastest so far.
  void Try(Gpu& gpu, Stream& stream, const std::shared_ptr<const Network>& network, bool fused,
           const Graph* pool_owner);
  void AddFailure(const std::string& failure);

  // The output without fused convolutions, which the fused must match. Only during construction.
  const Pending reference_ = std::make_shared<at::Tensor>();
  const std::shared_ptr<Buffers> buffers_ = std::make_shared<Buffers>();
  std::shared_ptr<Graph> graph_;
  // Computes the output buffer from the input buffer.
  std::function<void()> work_;
  LaunchConfig config_;
};

}  // namespace semisup::gpu
