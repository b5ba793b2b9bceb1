#include "gpu/gpu_plan.h"

#include <ATen/ops/cat.h>
#include <c10/util/Exception.h>

#include <bit>
#include <utility>

namespace semisup::gpu {
namespace {

// Bounds the GPU memory that graphs occupy when image sizes keep changing.
constexpr size_t kMaxBuckets = 32;
// If a batch takes less time, its thread spins while it waits.
constexpr double kSpinBelowMs = 2;

}  // namespace

GpuPlan::GpuPlan(std::shared_ptr<Gpu> gpu, std::shared_ptr<const Network> network,
                 const Normalization& normalization, int max_in_flight)
    : gpu_(std::move(gpu)),
      network_(std::move(network)),
      cpu_normalizer_(normalization, at::kCPU),
      uploads_(*gpu_, max_in_flight),
      compute_(gpu_->NewCaptureStream()) {}

GpuPlan::~GpuPlan() {
  try {
    compute_->Record(WaitMode::kBlock)->Synchronize();
    buckets_.clear();
    network_.reset();
    gpu_->ReleaseCachedMemory();
  } catch (const std::exception&) {
    // A lost device has no pending work and its memory cannot be released: ignore the failure.
  }
}

bool GpuPlan::Accepts(const at::Tensor& input) const {
  if (input.dim() != 4 || input.numel() == 0) return false;
  if (!input.is_cpu() && !gpu_->Holds(input)) return false;
  const bool are_pixels = input.scalar_type() == at::kByte && input.size(3) == 3;
  return are_pixels || input.scalar_type() == at::kFloat;
}

at::Tensor GpuPlan::ToInterpreterInput(const at::Tensor& input) const {
  return cpu_normalizer_(input);
}

double GpuPlan::tolerance() const { return network_->tolerance(); }

std::vector<at::Tensor> GpuPlan::Run(const at::Tensor& input, const OutputSelection& selected) {
  const auto indices = engine::SelectedIndices(selected, network_->output_count());
  if (input.size(0) <= kMaxBatchSize) return RunBatch(input, indices);
  std::vector<std::vector<at::Tensor>> parts(indices.size());
  for (const auto& batch : input.split(kMaxBatchSize)) {
    const auto outputs = RunBatch(batch, indices);
    for (size_t i = 0; i < outputs.size(); i++) parts[i].push_back(outputs[i]);
  }
  const auto outputs = std::make_shared<std::vector<at::Tensor>>();
  std::shared_ptr<Event> done;
  {
    const std::lock_guard lock(mutex_);
    // On the stream that allocated the parts.
    compute_->Run([parts, outputs] {
      for (const auto& one : parts) outputs->push_back(at::cat(one));
    });
    done = compute_->Record(WaitMode::kBlock);
  }
  done->Synchronize();
  return *outputs;
}

std::vector<at::Tensor> GpuPlan::RunBatch(const at::Tensor& input,
                                          const OutputSelection& selected) {
  const UploadStreams::Lease lease(uploads_);
  const auto [images, event] = lease.Stage(input);
  const auto outputs = std::make_shared<std::vector<at::Tensor>>();
  std::shared_ptr<Event> done;
  {
    const std::lock_guard lock(mutex_);
    compute_->WaitFor(event);
    const auto& bucket = BucketFor(input, images);
    bucket.Run(*compute_, images, selected, outputs);
    const bool is_short = bucket.config().batch_ms < kSpinBelowMs;
    done = compute_->Record(is_short ? WaitMode::kSpin : WaitMode::kBlock);
  }
  done->Synchronize();
  return *outputs;
}

const Bucket& GpuPlan::BucketFor(const at::Tensor& input, const PendingTensor& images) {
  const auto size = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(input.size(0))));
  const BucketKey key{input.scalar_type(), input.sizes().slice(1).vec(), size};
  if (const auto found = buckets_.find(key); found != buckets_.end()) return *found->second;
  if (buckets_.size() >= kMaxBuckets) {
    compute_->Record(WaitMode::kBlock)->Synchronize();
    buckets_.clear();
  }
  const auto* pool_bucket = buckets_.empty() ? nullptr : buckets_.begin()->second.get();
  try {
    auto bucket = std::make_unique<Bucket>(*gpu_, *compute_, network_, images, size, pool_bucket);
    return *(buckets_[key] = std::move(bucket));
  } catch (const c10::OutOfMemoryError&) {
    // Makes the memory of this attempt available to a smaller batch.
    gpu_->ReleaseCachedMemory();
    throw;
  }
}

std::vector<LaunchConfig> GpuPlan::launch_configs() const {
  const std::lock_guard lock(mutex_);
  std::vector<LaunchConfig> configs;
  for (const auto& [key, bucket] : buckets_) configs.push_back(bucket->config());
  return configs;
}

}  // namespace semisup::gpu
