#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "shape.h"
#include "slices.h"

namespace semisup::plan {

// A row of an image, which lies channel by channel, with channels innermost.
template <class T>
void Interleave(const T* row, int64_t plane, int64_t width, int64_t channels, T* to) {
  for (int64_t c = 0; c < channels; c++) {
    for (int64_t x = 0; x < width; x++) to[x * channels + c] = row[c * plane + x];
  }
}

// What pixels of a convolution's output are made of: windows of its input, row by row, channels
// innermost. Windows reach beyond the images where these are padded.
template <class T>
struct Windows {
  const T* input;
  int64_t height;
  int64_t width;
  // Of an image of the output.
  int64_t rows;
  int64_t columns;
  const Shape& shape;
  // What images are padded with.
  T zero;
  // Whether the input lies channel by channel yet.
  bool are_planes;
  // Whether rows are copied, because they are padded, or because more is read than they have.
  bool are_copied;
  // How many more are read than the rows of a copy have.
  int64_t slack;

  // How far apart the rows of a window begin, and windows side by side.
  int64_t row_stride() const { return (width + 2 * shape.padding[1]) * shape.inputs; }
  int64_t pixel_stride() const { return shape.stride[1] * shape.inputs; }

  // How many numbers Take() writes for pixels that follow each other.
  int64_t SizeOf(const Slice& pixels) const {
    return are_copied ? RowsOf(pixels).count * row_stride() + slack : 0;
  }

  // Tells where the first rows of windows begin. Copies go to `scratch`.
  void Take(const Slice& pixels, T* scratch, std::vector<const T*>& starts) const {
    const auto taken = RowsOf(pixels);
    for (int64_t row = 0; are_copied && row < taken.count; row++) {
      CopyRow(taken.first + row, scratch + row * row_stride());
    }
    const T* source = are_copied ? scratch : input + taken.first * row_stride();
    const auto row_at = [&](int64_t pixel) {
      return source + (RowOf(pixel) - taken.first) * row_stride();
    };
    starts.resize(pixels.count);
    // No division for each pixel: in bytes it takes as long as the products of some.
    int64_t column = pixels.first % columns;
    const T* row = row_at(pixels.first);
    for (int64_t i = 0; i < pixels.count; i++) {
      starts[i] = row + column * pixel_stride();
      if (++column < columns) continue;
      column = 0;
      row = row_at(pixels.first + i + 1);
    }
  }

 private:
  // Of a padded image.
  int64_t all_rows() const { return height + 2 * shape.padding[0]; }

  // The first of the padded rows of all images that a pixel is made of.
  int64_t RowOf(int64_t pixel) const {
    return pixel / (rows * columns) * all_rows() + pixel / columns % rows * shape.stride[0];
  }

  Slice RowsOf(const Slice& pixels) const {
    const int64_t first = RowOf(pixels.first);
    return {first, RowOf(pixels.first + pixels.count - 1) + shape.kernel[0] - first};
  }

  void CopyRow(int64_t row, T* to) const {
    const int64_t y = row % all_rows() - shape.padding[0];
    if (y < 0 || y >= height) {
      std::fill_n(to, row_stride(), zero);
      return;
    }
    const int64_t middle = width * shape.inputs;
    to = std::fill_n(to, shape.padding[1] * shape.inputs, zero);
    const T* image = input + row / all_rows() * height * middle;
    if (are_planes) {
      Interleave(image + y * width, height * width, width, shape.inputs, to);
    } else {
      std::copy_n(image + y * middle, middle, to);
    }
    std::fill_n(to + middle, shape.padding[1] * shape.inputs, zero);
  }
};

}  // namespace semisup::plan
