#pragma once
#include <ATen/core/Tensor.h>

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "gpu/bucket.h"
#include "gpu/gpu.h"
#include "gpu/network.h"
#include "gpu/upload_streams.h"
#include "program/planned_method.h"

namespace semisup::gpu {

// Runs a method on a GPU. Batch sizes are rounded up to powers of two; one CUDA graph per size and
// image shape is captured on first use. Accepts uint8 [n, h, w, 3], which it normalizes, or
// float32 [n, c, h, w], on the CPU or the GPU. Returns float32 on the GPU.
class GpuPlan final : public PlannedMethod {
 public:
  // Larger batches are split.
  static constexpr int64_t kMaxBatchSize = 256;

  // `max_in_flight`: the maximum number of batches in flight: one computing, the others uploading.
  GpuPlan(std::shared_ptr<Gpu> gpu, std::shared_ptr<const Network> network,
          const Normalization& normalization, int max_in_flight);
  // Waits for pending work and releases the GPU memory.
  ~GpuPlan() override;
  GpuPlan(const GpuPlan&) = delete;
  GpuPlan& operator=(const GpuPlan&) = delete;

  bool Accepts(const at::Tensor& input) const override;
  std::vector<at::Tensor> Run(const at::Tensor& input, const OutputSelection& selected) override;
  at::Tensor ToInterpreterInput(const at::Tensor& input) const override;
  double tolerance() const override;

  // The configurations of the existing buckets.
  std::vector<LaunchConfig> launch_configs() const;

 private:
  // Identifies the bucket of a batch.
  struct BucketKey {
    at::ScalarType dtype;
    std::vector<int64_t> image_sizes;
    int64_t batch_size;
    auto operator<=>(const BucketKey&) const = default;
  };

  std::vector<at::Tensor> RunBatch(const at::Tensor& input, const OutputSelection& selected);
  const Bucket& BucketFor(const at::Tensor& input, const PendingTensor& images);

  const std::shared_ptr<Gpu> gpu_;
  std::shared_ptr<const Network> network_;
  // On the CPU, for ToInterpreterInput() only.
  const Normalizer cpu_normalizer_;
  UploadStreams uploads_;

  // Guards the members below.
  mutable std::mutex mutex_;
  const std::unique_ptr<Stream> compute_;
  std::map<BucketKey, std::unique_ptr<Bucket>> buckets_;
};

}  // namespace semisup::gpu
