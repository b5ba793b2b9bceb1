#include "windowed.h"

#include <algorithm>

#include "blocks.h"
#include "windowed_kernels.h"

namespace semisup::plan {
namespace {

// Pixels at a time: so few that they stay in the second cache beside a panel of weights.
constexpr int64_t kBlockBytes = 256 << 10;
constexpr int64_t kFewestPixels = 24;

}  // namespace

bool Windowed::Takes(const ConvolutionSpec& spec) {
  const auto sizes = spec.weight.sizes();
  const bool is_dense = std::all_of(spec.dilation.begin(), spec.dilation.end(),
                                    [](int64_t dilation) { return dilation == 1; });
  return HasAvx512() && spec.groups == 1 && is_dense && sizes[2] * sizes[3] > 1 &&
         sizes[0] % kWindowedPanel == 0;
}

Windowed::Windowed(const ConvolutionSpec& spec)
    : inputs_(spec.weight.size(1)),
      outputs_(spec.weight.size(0)),
      kernel_{spec.weight.size(2), spec.weight.size(3)},
      stride_{spec.stride[0], spec.stride[1]},
      padding_{spec.padding[0], spec.padding[1]},
      // [panels, outputs of a panel, inputs, rows, columns], with the outputs innermost.
      weight_(spec.weight.view({-1, kWindowedPanel, inputs_, kernel_[0], kernel_[1]})
                  .permute({0, 3, 4, 2, 1})
                  .contiguous()) {}

void Windowed::Run(const Images& images) const {
  const bool is_padded = padding_ != Sides{0, 0};
  const Windows<float> windows{.input = images.input,
                               .height = images.input_height,
                               .width = images.input_width,
                               .channels = inputs_,
                               .rows = images.height,
                               .columns = images.width,
                               .kernel = kernel_,
                               .stride = stride_,
                               .padding = padding_,
                               .zero = 0,
                               .are_planes = images.are_planes,
                               .are_copied = is_padded || images.are_planes,
                               .slack = 0};
  const int64_t fitting =
      kBlockBytes / (inputs_ * stride_[0] * stride_[1] * static_cast<int64_t>(sizeof(float)));
  const Product<float> product{.output = images.output,
                               .images = images.count,
                               .channels = outputs_,
                               .panel = kWindowedPanel,
                               .fitting = std::max(kFewestPixels, fitting),
                               .pooling = images.pooling};
  ForProduct(windows, product,
             [&](const float* const* starts, const Slice& pixels, float* to, const Slice& panels) {
               const WindowedBlock block{
                   .weight = weight_.const_data_ptr<float>(),
                   .rows = kernel_[0],
                   .run = kernel_[1] * inputs_,
                   .starts = starts,
                   .count = pixels.count,
                   .row_stride = windows.row_stride(),
                   .bias = images.bias,
                   .other = images.other ? images.other + pixels.first * outputs_ : nullptr,
                   .output = to,
                   .outputs = outputs_,
                   .panels = panels,
                   .rectify = images.rectify};
#if defined(__x86_64__)
               MultiplyWindowsAvx512(block);
#endif
             });
}

}  // namespace semisup::plan
