// Compiled with -ffp-contract=off, as image/transform.cc, whose normalization this repeats.
#include "augment/augment.h"

#include <array>
#include <cstddef>

namespace semisup::augment {
namespace {

RgbImage CropImage(const PixelView& image, const std::variant<CenterCrop, Crop>& crop,
                   const TransformSpec& spec) {
  if (const Crop* rectangle = std::get_if<Crop>(&crop)) {
    return ResizedCrop(image, *rectangle, spec.crop, spec.interpolation);
  }
  TransformSpec centered = spec;
  centered.resize = std::get<CenterCrop>(crop).resize;
  RgbImage cropped(spec.crop, spec.crop);
  TransformToBytes(image, centered, cropped.samples.data());
  return cropped;
}

void Normalize(const RgbImage& image, const TransformSpec& spec, float* out) {
  const size_t pixels = image.samples.size() / 3;
  for (size_t c = 0; c < 3; ++c) {
    std::array<float, 256> values;
    for (int i = 0; i < 256; ++i) {
      values[i] = (static_cast<float>(i) / 255.0f - spec.mean[c]) / spec.std[c];
    }
    const uint8_t* sample = image.samples.data() + c;
    for (size_t i = 0; i < pixels; ++i, sample += 3) *out++ = values[*sample];
  }
}

}  // namespace

bool IsValid(const Crop& crop, const PixelView& image, int64_t size) {
  const auto is_valid = [size](int64_t start, int64_t length, int64_t side) {
    return length >= 1 && length <= side + 2 * size && start >= -size &&
           start <= side + size - length;
  };
  return is_valid(crop.top, crop.height, image.height) &&
         is_valid(crop.left, crop.width, image.width);
}

void Augment(const PixelView& image, const Augmentation& augmentation, const TransformSpec& spec,
             float* out) {
  RgbImage pixels = CropImage(image, augmentation.crop, spec);
  for (const auto& [type, value] : augmentation.operations) type->apply(pixels, value);
  Normalize(pixels, spec, out);
}

}  // namespace semisup::augment
