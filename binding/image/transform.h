#pragma once
#include <array>
#include <cstdint>

#include "image/views.h"

namespace semisup {

// A decoded image: interleaved 8-bit samples, rows from top to bottom without padding.
struct PixelView {
  const uint8_t* data;
  int64_t width, height;
  // 1 gray, 2 gray with alpha, 3 RGB, 4 RGB with alpha, or CMYK if `cmyk` is true.
  int channels;
  // Whether the channels are inks, as in Pillow: 0 means no ink.
  bool cmyk;
};

enum class Interpolation { kBilinear, kBicubic };

// The preprocessing of a network's input, as in torchvision's presets.
struct TransformSpec {
  // The shorter side is resized to `resize` pixels, then views of `crop` x `crop` pixels are
  // cropped.
  int64_t resize, crop;
  // The filter of the resize; both are antialiased.
  Interpolation interpolation;
  // Per channel, for values scaled to 0..1.
  std::array<float, 3> mean, std;
  Views views = Views::kCenter;
};

// Equals, bit for bit, torchvision's Resize(resize, interpolation), CenterCrop(crop), ToTensor(),
// Normalize(mean, std) of Image.convert("RGB"); for other views than the center, the crops of the
// image after Resize(). Writes 3 * crop * crop floats for each view, planar RGB, to `out`. Throws
// std::invalid_argument if the image is empty or crop is not within 1..resize.
void Transform(const PixelView& image, const TransformSpec& spec, float* out);

// Like Transform(), but stops before ToTensor(): writes crop * crop * 3 bytes for each view,
// interleaved RGB.
void TransformToBytes(const PixelView& image, const TransformSpec& spec, uint8_t* out);

// Image.convert("RGB").resize((width, height), interpolation), of an image that is not CMYK. Writes
// width * height * 3 bytes, interleaved RGB. Throws std::invalid_argument if the image is empty.
void ResizeToBytes(const PixelView& image, int64_t width, int64_t height,
                   Interpolation interpolation, uint8_t* out);

}  // namespace semisup
