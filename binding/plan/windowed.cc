#include "windowed.h"

#include "blocks.h"
#include "windowed_kernels.h"

namespace semisup::plan {

bool Windowed::Takes(const Shape& shape) {
  const bool is_pointwise = shape.kernel == Sides{1, 1} && shape.stride == Sides{1, 1};
  return HasAvx512() && shape.groups == 1 && !is_pointwise && shape.outputs % kWindowedPanel == 0;
}

Windowed::Windowed(const at::Tensor& weight, const Shape& shape)
    : shape_(shape),
      // [panels, outputs of a panel, inputs, rows, columns], with the outputs innermost.
      weight_(weight.view({-1, kWindowedPanel, shape.inputs, shape.kernel[0], shape.kernel[1]})
                  .permute({0, 3, 4, 2, 1})
                  .contiguous()) {}

void Windowed::Run(const Images& images) const {
  const Windows<float> windows{.input = images.input,
                               .height = images.input_height,
                               .width = images.input_width,
                               .rows = images.height,
                               .columns = images.width,
                               .shape = shape_,
                               .zero = 0,
                               .are_planes = images.are_planes,
                               .are_copied = shape_.is_padded() || images.are_planes,
                               .slack = 0};
  const int64_t pixel_bytes =
      shape_.inputs * shape_.stride[0] * shape_.stride[1] * static_cast<int64_t>(sizeof(float));
  const Product<float> product{.output = images.output,
                               .images = images.count,
                               .channels = shape_.outputs,
                               .panel = kWindowedPanel,
                               .fitting = FittingPixels(pixel_bytes),
                               .pooling = images.pooling};
  ForProduct(windows, product,
             [&](const float* const* starts, const Slice& pixels, float* to, const Slice& panels) {
               const WindowedBlock block{
                   .weight = weight_.const_data_ptr<float>(),
                   .rows = shape_.kernel[0],
                   .run = shape_.kernel[1] * shape_.inputs,
                   .starts = starts,
                   .count = pixels.count,
                   .row_stride = windows.row_stride(),
                   .bias = images.bias,
                   .other = images.other ? images.other + pixels.first * shape_.outputs : nullptr,
                   .output = to,
                   .outputs = shape_.outputs,
                   .panels = panels,
                   .rectify = images.rectify};
#if defined(__x86_64__)
               MultiplyWindowsAvx512(block);
#endif
             });
}

}  // namespace semisup::plan
