#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gpu/gpu.h"
#include "gpu/network.h"
#include "gpu/upload_streams.h"
#include "program/planned_method.h"

namespace semisup::gpu {

// Tensors that are set when a stream reaches the work that sets them.
using PendingTensors = std::shared_ptr<std::vector<at::Tensor>>;

// The fastest measured way to launch the batches of one size.
struct LaunchConfig {
  // The batch size. Smaller batches are padded to it.
  int64_t batch_size = 0;
  // Whether a batch is launched as one graph, or operator by operator.
  bool is_graph = false;
  // Whether convolutions run with cuDNN's fused residual and ReLU.
  bool is_fused = false;
  // The measured duration of a batch.
  double batch_ms = 0;
  // The alternatives that failed, with their errors; empty if none failed.
  std::string failures;
};

// A graph bucket: runs batches of one image shape and batch size as a captured graph with fixed
// buffers. Its constructor captures and times the graph with and without fused convolutions, and
// keeps the faster.
class Bucket {
 public:
  // `images`: at most `size` images to measure with. `pool_bucket`: a bucket whose graph memory
  // pool is shared, or null; the two must not run concurrently.
  Bucket(Gpu& gpu, Stream& stream, std::shared_ptr<const Network> network,
         const PendingTensor& images, int64_t size, const Bucket* pool_bucket);

  // Submits at most `size` images. The stream fills `*outputs` with the selected outputs when it
  // reaches this point.
  void Run(Stream& stream, const PendingTensor& images, const OutputSelection& selected,
           const PendingTensors& outputs) const;
  const LaunchConfig& config() const { return config_; }

 private:
  struct Buffers {
    at::Tensor input;
    std::vector<at::Tensor> outputs;
  };

  // Checks and measures one alternative, and selects it if it is the fastest so far.
  void Try(Gpu& gpu, Stream& stream, const std::shared_ptr<const Network>& network, bool fused,
           const Graph* pool_graph);
  void AddFailure(const std::string& failure);

  // The outputs without fused convolutions, which those with them must match. Used only during
  // construction.
  const PendingTensors reference_ = std::make_shared<std::vector<at::Tensor>>();
  const std::shared_ptr<Buffers> buffers_ = std::make_shared<Buffers>();
  std::shared_ptr<Graph> graph_;
  // Computes the output buffers from the input buffer.
  std::function<void()> forward_;
  LaunchConfig config_;
};

}  // namespace semisup::gpu
