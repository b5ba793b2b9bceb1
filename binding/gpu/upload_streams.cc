#include "gpu/upload_streams.h"

#include <ATen/ops/empty.h>

#include <utility>

namespace semisup::gpu {

UploadStreams::UploadStreams(Gpu& gpu, int count) : gpu_(gpu) {
  for (int i = 0; i < count; i++) {
    free_.push_back(std::make_shared<Slot>(Slot{gpu.NewStream(), at::Tensor()}));
  }
}

UploadStreams::Lease::Lease(UploadStreams& streams) : streams_(streams) {
  std::unique_lock lock(streams_.mutex_);
  streams_.returned_.wait(lock, [&] { return !streams_.free_.empty(); });
  slot_ = std::move(streams_.free_.back());
  streams_.free_.pop_back();
}

UploadStreams::Lease::~Lease() {
  const std::lock_guard lock(streams_.mutex_);
  streams_.free_.push_back(std::move(slot_));
  streams_.returned_.notify_one();
}

StagedImages UploadStreams::Lease::Stage(const at::Tensor& images) const {
  // The caller's current stream may still be computing images that are already on the GPU.
  if (streams_.gpu_.Holds(images)) {
    return {std::make_shared<at::Tensor>(images), streams_.gpu_.RecordCurrentStream()};
  }
  const auto staged = std::make_shared<at::Tensor>();
  slot_->stream->Run([slot = slot_, device = streams_.gpu_.device(), staged, images] {
    const auto source = images.contiguous();
    const auto bytes = static_cast<int64_t>(source.nbytes());
    if (!slot->buffer.defined() || slot->buffer.numel() < bytes) {
      slot->buffer = at::empty({bytes}, at::TensorOptions(device).dtype(at::kByte));
    }
    *staged = slot->buffer.narrow(0, 0, bytes).view(source.scalar_type()).view(source.sizes());
    staged->copy_(source, /*non_blocking=*/true);
  });
  return {staged, slot_->stream->Record(WaitMode::kBlock)};
}

}  // namespace semisup::gpu
