#include "jpegs.h"

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <utility>

#include "../transform.h"

namespace semisup::gpu {
namespace {

// Of bytes [h, w, 3], as torchvision does it with tensors.
at::Tensor ResizeAndCrop(const at::Tensor& pixels, int64_t resize, int64_t crop) {
  const int64_t height = pixels.size(0);
  const int64_t width = pixels.size(1);
  const int64_t shorter = std::min(height, width);
  const int64_t lines = resize * height / shorter;
  const int64_t columns = resize * width / shorter;
  const auto planes = pixels.permute({2, 0, 1}).unsqueeze(0).to(at::kFloat);
  const auto resized =
      at::_upsample_bilinear2d_aa(planes, {lines, columns}, /*align_corners=*/false);
  return resized[0]
      .narrow(1, CropOffset(lines, crop), crop)
      .narrow(2, CropOffset(columns, crop), crop)
      .round()
      .clamp(0, 255)
      .to(at::kByte)
      .permute({1, 2, 0});
}

}  // namespace

Jpegs::Jpegs(std::shared_ptr<Gpu> gpu, std::vector<std::string> libraries)
    : gpu_(std::move(gpu)), libraries_(std::move(libraries)) {
  free_.push_back(TakePlace());
}

std::unique_ptr<Jpegs::Place> Jpegs::TakePlace() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto place = std::move(free_.back());
      free_.pop_back();
      return place;
    }
  }
  return std::make_unique<Place>(Place{gpu_->NewJpegDecoder(libraries_), gpu_->NewStream()});
}

Crops Jpegs::Transform(const std::vector<Encoded>& jpegs, int64_t resize, int64_t crop) {
  // One whose work failed is not put back.
  auto place = TakePlace();
  auto decoded = place->decoder->Decode(jpegs);
  Crops crops;
  for (size_t i = 0; i < decoded.size(); i++) {
    if (!decoded[i].defined()) crops.failed.push_back(i);
  }
  std::erase_if(decoded, [](const at::Tensor& tensor) { return !tensor.defined(); });
  if (!decoded.empty()) {
    const auto images = std::make_shared<at::Tensor>();
    place->stream->Run([images, decoded, resize, crop] {
      std::vector<at::Tensor> cropped;
      for (const auto& pixels : decoded) cropped.push_back(ResizeAndCrop(pixels, resize, crop));
      *images = at::stack(cropped).contiguous();
    });
    place->stream->Record(Wait::kSleeping)->Await();
    crops.images = *images;
  }
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(place));
  return crops;
}

}  // namespace semisup::gpu
