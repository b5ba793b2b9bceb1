#include "gpu/engine.h"

#include <ATen/ops/cat.h>
#include <c10/util/Exception.h>

#include <bit>
#include <utility>

namespace semisup::gpu {
namespace {

// Bounds the GPU memory that graphs occupy when image sizes keep changing.
constexpr size_t kMaxBuckets = 32;
// Shorter batches are waited for by spinning.
constexpr double kSpinBelowMilliseconds = 2;

}  // namespace

Engine::Engine(std::shared_ptr<Gpu> gpu, std::shared_ptr<const Network> network,
               const Normalization& normalization, int max_in_flight)
    : gpu_(std::move(gpu)),
      network_(std::move(network)),
      normalize_(normalization, at::kCPU),
      uploads_(*gpu_, max_in_flight),
      compute_(gpu_->NewCaptureStream()) {}

Engine::~Engine() {
  try {
    compute_->Record(WaitMode::kBlock)->Synchronize();
    buckets_.clear();
    network_.reset();
    gpu_->ReleaseCachedMemory();
  } catch (const std::exception&) {
    // A lost device has no pending work and its memory cannot be released: ignore the failure.
  }
}

bool Engine::Accepts(const at::Tensor& input) const {
  if (input.dim() != 4 || input.numel() == 0) return false;
  if (!input.is_cpu() && !gpu_->Holds(input)) return false;
  const bool are_pixels = input.scalar_type() == at::kByte && input.size(3) == 3;
  return are_pixels || input.scalar_type() == at::kFloat;
}

at::Tensor Engine::ToInterpreterInput(const at::Tensor& input) const { return normalize_(input); }

double Engine::tolerance() const { return network_->tolerance(); }

at::Tensor Engine::Run(const at::Tensor& input) {
  if (input.size(0) <= kMaxBatchSize) return RunBatch(input);
  std::vector<at::Tensor> outputs;
  for (const auto& batch : input.split(kMaxBatchSize)) outputs.push_back(RunBatch(batch));
  const auto rows = std::make_shared<at::Tensor>();
  std::shared_ptr<Event> done;
  {
    const std::lock_guard lock(mutex_);
    // On the stream that allocated the outputs.
    compute_->Run([outputs, rows] { *rows = at::cat(outputs); });
    done = compute_->Record(WaitMode::kBlock);
  }
  done->Synchronize();
  return *rows;
}

at::Tensor Engine::RunBatch(const at::Tensor& input) {
  const UploadStreams::Lease lease(uploads_);
  const auto [images, event] = lease.Stage(input);
  const auto rows = std::make_shared<at::Tensor>();
  std::shared_ptr<Event> done;
  {
    const std::lock_guard lock(mutex_);
    compute_->WaitFor(event);
    const auto& bucket = BucketFor(input, images);
    bucket.Run(*compute_, images, rows);
    const bool is_brief = bucket.config().milliseconds < kSpinBelowMilliseconds;
    done = compute_->Record(is_brief ? WaitMode::kSpin : WaitMode::kBlock);
  }
  done->Synchronize();
  return *rows;
}

const Bucket& Engine::BucketFor(const at::Tensor& input, const Pending& images) {
  const auto size = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(input.size(0))));
  const BatchShape shape{input.scalar_type(), input.sizes().slice(1).vec(), size};
  if (const auto found = buckets_.find(shape); found != buckets_.end()) return *found->second;
  if (buckets_.size() >= kMaxBuckets) {
    compute_->Record(WaitMode::kBlock)->Synchronize();
    buckets_.clear();
  }
  const auto* pool_owner = buckets_.empty() ? nullptr : buckets_.begin()->second.get();
  try {
    auto bucket = std::make_unique<Bucket>(*gpu_, *compute_, network_, images, size, pool_owner);
    return *(buckets_[shape] = std::move(bucket));
  } catch (const c10::OutOfMemoryError&) {
    // Makes the memory of this attempt available to a smaller batch.
    gpu_->ReleaseCachedMemory();
    throw;
  }
}

std::vector<LaunchConfig> Engine::launch_configs() const {
  const std::lock_guard lock(mutex_);
  std::vector<LaunchConfig> configs;
  for (const auto& [shape, bucket] : buckets_) configs.push_back(bucket->config());
  return configs;
}

}  // namespace semisup::gpu
