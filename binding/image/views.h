#pragma once
#include <cstdint>
#include <vector>

namespace semisup {

// Which squares of a resized image a network sees.
enum class Views {
  kCenter,
  // The center, then its mirror image.
  kFlip,
  // As torchvision's FiveCrop and TenCrop, in their order.
  kFiveCrop,
  kTenCrop,
};

// The square of a resized image whose top left corner is (left, top), and whether its columns are
// mirrored.
struct View {
  int64_t left, top;
  bool is_mirrored;
};

// The number of views of an image.
int64_t CountOf(Views views);

// The views of an image of width x height pixels, each of crop x crop. TenCrop crops the mirrored
// image: if an odd number of columns remains, the square of its central view is not that of the
// first, because CropOffset() rounds.
std::vector<View> ViewsOf(Views views, int64_t width, int64_t height, int64_t crop);

// The number of pixels before the central `crop` of `resized` pixels: Python's
// round((resized - crop) / 2), which rounds halves to even.
int64_t CropOffset(int64_t resized, int64_t crop);

}  // namespace semisup
