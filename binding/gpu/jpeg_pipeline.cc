#include "gpu/jpeg_pipeline.h"

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <utility>

#include "image/transform.h"

namespace semisup::gpu {
namespace {

// Resizes and crops uint8 [h, w, 3] like torchvision's transforms of tensors.
at::Tensor ResizeAndCrop(const at::Tensor& pixels, int64_t resize, int64_t crop) {
  const int64_t height = pixels.size(0);
  const int64_t width = pixels.size(1);
  const int64_t shorter = std::min(height, width);
  const int64_t resized_height = resize * height / shorter;
  const int64_t resized_width = resize * width / shorter;
  const auto planes = pixels.permute({2, 0, 1}).unsqueeze(0).to(at::kFloat);
  const auto resized = at::_upsample_bilinear2d_aa(planes, {resized_height, resized_width},
                                                   /*align_corners=*/false);
  return resized[0]
      .narrow(1, CropOffset(resized_height, crop), crop)
      .narrow(2, CropOffset(resized_width, crop), crop)
      .round()
      .clamp(0, 255)
      .to(at::kByte)
      .permute({1, 2, 0});
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
                                  int64_t crop) {
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
    slot->stream->Run([images, decoded, resize, crop] {
      std::vector<at::Tensor> cropped;
      for (const auto& pixels : decoded) cropped.push_back(ResizeAndCrop(pixels, resize, crop));
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
