#include "image/views.h"

#include <cstddef>

namespace semisup {

int64_t CountOf(Views views) {
  switch (views) {
    case Views::kCenter:
      return 1;
    case Views::kFlip:
      return 2;
    case Views::kFiveCrop:
      return 5;
    case Views::kTenCrop:
      return 10;
  }
  return 1;
}

std::vector<View> ViewsOf(Views views, int64_t width, int64_t height, int64_t crop) {
  const int64_t right = width - crop;
  const int64_t bottom = height - crop;
  const View center{CropOffset(width, crop), CropOffset(height, crop), false};
  if (views == Views::kCenter) return {center};
  if (views == Views::kFlip) return {center, {center.left, center.top, true}};
  std::vector<View> crops = {
      {0, 0, false}, {right, 0, false}, {0, bottom, false}, {right, bottom, false}, center};
  if (views == Views::kFiveCrop) return crops;
  for (size_t i = 0; i < 5; i++) crops.push_back({right - crops[i].left, crops[i].top, true});
  return crops;
}

int64_t CropOffset(int64_t resized, int64_t crop) {
  const int64_t margin = resized - crop;
  const int64_t half = margin / 2;
  return margin % 2 == 0 ? half : half + half % 2;
}

}  // namespace semisup
