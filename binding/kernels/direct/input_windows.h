#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/convolution_shape.h"
#include "kernels/partition.h"

namespace semisup::kernels {

// Converts a row of an NCHW image to NHWC. Its channels are `channel_stride` elements apart.
template <class T>
void InterleaveRow(const T* row, int64_t channel_stride, int64_t width, int64_t channels,
                   T* output) {
  for (int64_t c = 0; c < channels; c++) {
    for (int64_t x = 0; x < width; x++) output[x * channels + c] = row[c * channel_stride + x];
  }
}

// The input windows of a convolution's output pixels. Pixels are indexed across the whole batch,
// row by row. Rows are read in place, or copied if they need padding or another layout.
template <class T>
struct InputWindows {
  const T* input;
  int64_t height;
  int64_t width;
  int64_t output_height;
  int64_t output_width;
  const ConvolutionShape& shape;
  T padding_value;
  bool is_nchw;
  // Required if the input is padded, is NCHW or would be read out of bounds.
  bool copies_rows;
  // Elements that the kernel may read past the end of the last row; set to the padding value.
  int64_t overread;

  // The distances in elements between rows, between the rows of a window, and between the windows
  // of adjacent pixels.
  int64_t row_stride() const { return (width + 2 * shape.padding[1]) * shape.input_channels; }
  int64_t window_row_stride() const { return shape.dilation[0] * row_stride(); }
  int64_t pixel_stride() const { return shape.stride[1] * shape.input_channels; }

  // The elements that Locate() writes to `scratch` for a range of pixels.
  int64_t ScratchSize(const Range& pixels) const {
    return copies_rows ? RowsOf(pixels).count * row_stride() + overread : 0;
  }

  // Stores a pointer to the first element of each pixel's window; copies rows to `scratch` if
  // copies_rows.
  void Locate(const Range& pixels, T* scratch, std::vector<const T*>& windows) const {
    const auto rows = RowsOf(pixels);
    for (int64_t row = 0; copies_rows && row < rows.count; row++) {
      CopyRow(rows.first + row, scratch + row * row_stride());
    }
    if (copies_rows) std::fill_n(scratch + rows.count * row_stride(), overread, padding_value);
    const T* source = copies_rows ? scratch : input + rows.first * row_stride();
    const auto row_at = [&](int64_t pixel) {
      return source + (FirstRowOf(pixel) - rows.first) * row_stride();
    };
    windows.resize(pixels.count);
    // Counts columns rather than dividing for each pixel: a 64-bit division costs as much as
    // several vpdpbusd.
    int64_t column = pixels.first % output_width;
    const T* row = row_at(pixels.first);
    for (int64_t i = 0; i < pixels.count; i++) {
      windows[i] = row + column * pixel_stride();
      if (++column < output_width) continue;
      column = 0;
      row = row_at(pixels.first + i + 1);
    }
  }

 private:
  // Row indices count the rows of all padded images of the batch.
  int64_t padded_height() const { return height + 2 * shape.padding[0]; }

  int64_t FirstRowOf(int64_t pixel) const {
    return pixel / (output_height * output_width) * padded_height() +
           pixel / output_width % output_height * shape.stride[0];
  }

  Range RowsOf(const Range& pixels) const {
    const int64_t first = FirstRowOf(pixels.first);
    return {first, FirstRowOf(pixels.first + pixels.count - 1) + shape.extent(0) - first};
  }

  void CopyRow(int64_t row, T* output) const {
    const int64_t y = row % padded_height() - shape.padding[0];
    if (y < 0 || y >= height) {
      std::fill_n(output, row_stride(), padding_value);
      return;
    }
    const int64_t row_size = width * shape.input_channels;
    output = std::fill_n(output, shape.padding[1] * shape.input_channels, padding_value);
    const T* image = input + row / padded_height() * height * row_size;
    if (is_nchw) {
      InterleaveRow(image + y * width, height * width, width, shape.input_channels, output);
    } else {
      std::copy_n(image + y * row_size, row_size, output);
    }
    std::fill_n(output + row_size, shape.padding[1] * shape.input_channels, padding_value);
  }
};

}  // namespace semisup::kernels
