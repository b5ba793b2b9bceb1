#pragma once
#include <array>
#include <cstdint>

namespace semisup {

// A decoded image: interleaved 8-bit samples, rows from the top, without padding.
struct PixelView {
  const uint8_t* data;
  int64_t width, height;
  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha, or CMYK where `cmyk` says so.
  int channels;
  // 0 for no ink, as in Pillow.
  bool cmyk;
};

// From pixels to a network's input, as torchvision's presets describe it.
struct TransformSpec {
  // The shorter side is resized to `resize`; then the central `crop` by `crop` is cut out.
  int64_t resize, crop;
  // Per channel, of values scaled to 0..1.
  std::array<float, 3> mean, std;
};

// Bit for bit what torchvision makes of Image.convert("RGB"): Resize(resize, bilinear),
// CenterCrop(crop), ToTensor(), Normalize(mean, std). `out` takes 3 * crop * crop floats, planar
// RGB. Throws std::invalid_argument if the image is empty, or crop is not within 1..resize.
void Transform(const PixelView& image, const TransformSpec& spec, float* out);

// As Transform(), but before ToTensor(): `out` takes crop * crop * 3 bytes, RGB of each pixel.
void TransformToBytes(const PixelView& image, const TransformSpec& spec, uint8_t* out);

// How much is cut off before the central `crop` of `resized` pixels: Python's
// round((resized - crop) / 2), whose halves go to the even number.
int64_t CropOffset(int64_t resized, int64_t crop);

}  // namespace semisup
