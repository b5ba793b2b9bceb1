#pragma once
#include <variant>
#include <vector>

#include "augment/crop.h"
#include "augment/operation.h"
#include "image/transform.h"

namespace semisup::augment {

// torchvision's Resize(resize) and CenterCrop(size).
struct CenterCrop {
  int64_t resize;
};

// From a decoded image to the pixels of a network's input: a crop of size x size pixels, then
// operations in their order.
struct Augmentation {
  std::variant<CenterCrop, Crop> crop;
  std::vector<Operation> operations;
};

// Whether the crop is not empty, and extends at most `size` pixels beyond the image, which limits
// its memory.
bool IsValid(const Crop& crop, const PixelView& image, int64_t size);

// Augments an image to spec.crop x spec.crop pixels, then computes torchvision's ToTensor() and
// Normalize(spec.mean, spec.std). Writes 3 * spec.crop * spec.crop floats, planar RGB. Throws
// std::invalid_argument if the image is empty or the size of a center crop is not within 1 and its
// resize.
void Augment(const PixelView& image, const Augmentation& augmentation, const TransformSpec& spec,
             float* out);

}  // namespace semisup::augment
