#pragma once
#include <ATen/core/Tensor.h>

#include <compare>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "../planned_method.h"
#include "bucket.h"
#include "gpu.h"
#include "lanes.h"
#include "network.h"

namespace semisup::gpu {

// A method on a GPU. For each size of batches, by powers of two, there is a graph, made when the
// first such batch comes. It takes bytes [n, h, w, 3], which it normalises, or float32 [n, c, h,
// w], from the host or the GPU, and gives float32 on the GPU.
class Engine final : public PlannedMethod {
 public:
  // Of one batch; what is more is cut.
  static constexpr int64_t kMostImages = 256;

  // `lanes`: how many batches are under way at a time, of which one is computed.
  Engine(std::shared_ptr<Gpu> gpu, std::shared_ptr<const Network> network,
         const Normalisation& normalisation, int lanes);
  // Waits for what it does, and gives the memory back.
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  bool Takes(const at::Tensor& input) const override;
  at::Tensor Run(const at::Tensor& input) override;
  at::Tensor ForTorchScript(const at::Tensor& input) const override;
  double tolerance() const override;

  // Of the sizes that there have been.
  std::vector<Launch> launches() const;

 private:
  struct Shape {
    at::ScalarType dtype;
    std::vector<int64_t> image;
    // How many at a time.
    int64_t images;
    auto operator<=>(const Shape&) const = default;
  };

  at::Tensor RunBatch(const at::Tensor& input);
  const Bucket& BucketFor(const at::Tensor& input, const Pending& images);

  const std::shared_ptr<Gpu> gpu_;
  std::shared_ptr<const Network> network_;
  // On the host.
  const Normaliser normalise_;
  Lanes lanes_;

  // For what is below.
  mutable std::mutex mutex_;
  const std::unique_ptr<Stream> compute_;
  std::map<Shape, std::unique_ptr<Bucket>> buckets_;
};

}  // namespace semisup::gpu
