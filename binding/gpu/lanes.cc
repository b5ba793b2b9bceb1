#include "lanes.h"

#include <ATen/ops/empty.h>

#include <utility>

namespace semisup::gpu {

Lanes::Lanes(Gpu& gpu, int count) : gpu_(gpu) {
  for (int i = 0; i < count; i++) {
    free_.push_back(std::make_shared<Lane>(Lane{gpu.NewStream(), at::Tensor()}));
  }
}

Lanes::Turn::Turn(Lanes& lanes) : lanes_(lanes) {
  std::unique_lock lock(lanes_.mutex_);
  lanes_.returned_.wait(lock, [&] { return !lanes_.free_.empty(); });
  lane_ = std::move(lanes_.free_.back());
  lanes_.free_.pop_back();
}

Lanes::Turn::~Turn() {
  const std::lock_guard lock(lanes_.mutex_);
  lanes_.free_.push_back(std::move(lane_));
  lanes_.returned_.notify_one();
}

Staged Lanes::Turn::Stage(const at::Tensor& images) const {
  // It may still be in the making.
  if (lanes_.gpu_.Holds(images)) {
    return {std::make_shared<at::Tensor>(images), lanes_.gpu_.RecordHere()};
  }
  const auto staged = std::make_shared<at::Tensor>();
  lane_->stream->Run([lane = lane_, device = lanes_.gpu_.device(), staged, images] {
    const auto plain = images.contiguous();
    const auto bytes = static_cast<int64_t>(plain.nbytes());
    if (!lane->memory.defined() || lane->memory.numel() < bytes) {
      lane->memory = at::empty({bytes}, at::TensorOptions(device).dtype(at::kByte));
    }
    *staged = lane->memory.narrow(0, 0, bytes).view(plain.scalar_type()).view(plain.sizes());
    staged->copy_(plain, /*non_blocking=*/true);
  });
  return {staged, lane_->stream->Record(Wait::kSleeping)};
}

}  // namespace semisup::gpu
