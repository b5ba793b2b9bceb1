#include "gpu/jpeg_pipeline.h"

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <utility>

namespace semisup::gpu {
namespace {

// Resizes uint8 [h, w, 3] like torchvision's transforms of tensors, and appends its views.
void ResizeAndCrop(const at::Tensor& pixels, int64_t resize, int64_t crop, Views views,
                   std::vector<at::Tensor>& crops) {
  const int64_t shorter = std::min(pixels.size(0), pixels.size(1));
  const int64_t height = resize * pixels.size(0) / shorter;
  const int64_t width = resize * pixels.size(1) / shorter;
  const auto planes = pixels.permute({2, 0, 1}).unsqueeze(0).to(at::kFloat);
  const auto resized =
      at::_upsample_bilinear2d_aa(planes, {height, width}, /*align_corners=*/false)[0];
  for (const View& view : ViewsOf(views, width, height, crop)) {
    const auto square = resized.narrow(1, view.top, crop)
                            .narrow(2, view.left, crop)
                            .round()
                            .clamp(0, 255)
                            .to(at::kByte)
                            .permute({1, 2, 0});
    crops.push_back(view.is_mirrored ? square.flip(1) : square);
  }
}

}  // namespace

JpegPipeline::JpegPipeline(std::shared_ptr<Gpu> gpu, std::vector<std::string> libraries)
    : gpu_(std::move(gpu)), libraries_(std::move(libraries)) {
  // Opens nvJPEG now, so that its absence fails here.
  free_.push_back(AcquireSlot());
}

std::unique_ptr<JpegPipeline::Slot> JpegPipeline::AcquireSlot() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto slot = std::move(free_.back());
      free_.pop_back();
      return slot;
    }
  }
  return std::make_unique<Slot>(Slot{gpu_->NewJpegDecoder(libraries_), gpu_->NewStream()});
}

CroppedJpegs JpegPipeline::Decode(const std::vector<EncodedImage>& jpegs, int64_t resize,
                                  int64_t crop, Views views) {
  // If this throws, the slot is destroyed instead of reused: its decoder may be in a failed state.
  auto slot = AcquireSlot();
  auto decoded = slot->decoder->Decode(jpegs);
  CroppedJpegs crops;
  for (size_t i = 0; i < decoded.size(); i++) {
    if (!decoded[i].defined()) crops.failed.push_back(i);
  }
  std::erase_if(decoded, [](const at::Tensor& tensor) { return !tensor.defined(); });
  if (!decoded.empty()) {
    const auto images = std::make_shared<at::Tensor>();
    slot->stream->Run([images, decoded, resize, crop, views] {
      std::vector<at::Tensor> cropped;
      for (const auto& pixels : decoded) ResizeAndCrop(pixels, resize, crop, views, cropped);
      *images = at::stack(cropped).contiguous();
    });
    slot->stream->Record(WaitMode::kBlock)->Synchronize();
    crops.images = *images;
  }
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(slot));
  return crops;
}

}  // namespace semisup::gpu
