#include "engine.h"

#include <ATen/ops/cat.h>
#include <c10/util/Exception.h>

#include <bit>
#include <utility>

namespace semisup::gpu {
namespace {

// Images of ever new sizes would fill the GPU's memory with graphs.
constexpr size_t kMostBuckets = 32;
// What takes no longer is waited for without sleep.
constexpr double kBriefMilliseconds = 2;

}  // namespace

Engine::Engine(std::shared_ptr<Gpu> gpu, std::shared_ptr<const Network> network,
               const Normalisation& normalisation, int lanes)
    : gpu_(std::move(gpu)),
      network_(std::move(network)),
      normalise_(normalisation, at::kCPU),
      lanes_(*gpu_, lanes),
      compute_(gpu_->NewRecordingStream()) {}

Engine::~Engine() {
  try {
    compute_->Record(Wait::kSleeping)->Await();
    buckets_.clear();
    network_.reset();
    gpu_->ReleaseMemory();
  } catch (const std::exception&) {
    // A device that was lost does nothing any more, and gives nothing back.
  }
}

bool Engine::Takes(const at::Tensor& input) const {
  if (input.dim() != 4 || input.numel() == 0) return false;
  if (!input.is_cpu() && !gpu_->Holds(input)) return false;
  const bool are_pixels = input.scalar_type() == at::kByte && input.size(3) == 3;
  return are_pixels || input.scalar_type() == at::kFloat;
}

at::Tensor Engine::ForTorchScript(const at::Tensor& input) const { return normalise_(input); }

double Engine::tolerance() const { return network_->arithmetic().tolerance(); }

at::Tensor Engine::Run(const at::Tensor& input) {
  if (input.size(0) <= kMostImages) return RunBatch(input);
  std::vector<at::Tensor> parts;
  for (const auto& batch : input.split(kMostImages)) parts.push_back(RunBatch(batch));
  const auto rows = std::make_shared<at::Tensor>();
  std::shared_ptr<Event> done;
  {
    const std::lock_guard lock(mutex_);
    // Their memory is this stream's.
    compute_->Run([parts, rows] { *rows = at::cat(parts); });
    done = compute_->Record(Wait::kSleeping);
  }
  done->Await();
  return *rows;
}

at::Tensor Engine::RunBatch(const at::Tensor& input) {
  const Lanes::Turn turn(lanes_);
  const auto [images, event] = turn.Stage(input);
  const auto rows = std::make_shared<at::Tensor>();
  std::shared_ptr<Event> done;
  {
    const std::lock_guard lock(mutex_);
    compute_->Follow(event);
    const auto& bucket = BucketFor(input, images);
    bucket.Run(*compute_, images, rows);
    const bool is_brief = bucket.launch().milliseconds < kBriefMilliseconds;
    done = compute_->Record(is_brief ? Wait::kSpinning : Wait::kSleeping);
  }
  done->Await();
  return *rows;
}

const Bucket& Engine::BucketFor(const at::Tensor& input, const Pending& images) {
  const auto size = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(input.size(0))));
  const Shape shape{input.scalar_type(), input.sizes().slice(1).vec(), size};
  if (const auto found = buckets_.find(shape); found != buckets_.end()) return *found->second;
  if (buckets_.size() >= kMostBuckets) {
    compute_->Record(Wait::kSleeping)->Await();
    buckets_.clear();
  }
  const auto* family = buckets_.empty() ? nullptr : buckets_.begin()->second.get();
  try {
    auto bucket = std::make_unique<Bucket>(*gpu_, *compute_, network_, images, size, family);
    return *(buckets_[shape] = std::move(bucket));
  } catch (const c10::OutOfMemoryError&) {
    // So that a smaller batch finds what this one took.
    gpu_->ReleaseMemory();
    throw;
  }
}

std::vector<Launch> Engine::launches() const {
  const std::lock_guard lock(mutex_);
  std::vector<Launch> launches;
  for (const auto& [shape, bucket] : buckets_) launches.push_back(bucket->launch());
  return launches;
}

}  // namespace semisup::gpu
