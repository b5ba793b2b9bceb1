#include "kernels/bfloat16/bfloat16_convolution.h"

#include "kernels/direct/blocking.h"

namespace semisup::kernels {
namespace {

constexpr int64_t kBlockBytes = 256 << 10;

}  // namespace

bool BFloat16Convolution::Supports(const ConvolutionShape& shape) {
  const auto* kernel = ActiveBFloat16Kernel();
  return kernel && shape.groups == 1 && shape.output_channels % kernel->panel.channels() == 0;
}

BFloat16Convolution::BFloat16Convolution(const BFloat16* weight, const ConvolutionShape& shape)
    : shape_(shape),
      weights_(weight, shape, kernel_.panel, [](int64_t output) { return output; }) {}

void BFloat16Convolution::Run(const ConvolutionArguments<BFloat16>& arguments,
                              Workspace& workspace) const {
  const auto weights = weights_.layout();
  // Kernel rows are read in whole lanes, which may extend past the end of a window's row.
  const bool overreads = weights.row_size % kLaneElements<BFloat16> != 0;
  const InputWindows<BFloat16> windows{.input = arguments.input,
                                       .height = arguments.input_height,
                                       .width = arguments.input_width,
                                       .output_height = arguments.height,
                                       .output_width = arguments.width,
                                       .shape = shape_,
                                       .padding_value = {0},
                                       .is_nchw = false,
                                       .copies_rows = shape_.is_padded() || overreads,
                                       .overread = kLaneElements<BFloat16>};
  const int64_t pixel_bytes = shape_.input_channels * shape_.stride[0] * shape_.stride[1] *
                              static_cast<int64_t>(sizeof(BFloat16));
  const DirectOutput<BFloat16> output{.residual = arguments.residual,
                                      .data = arguments.output,
                                      .batch = arguments.batch,
                                      .channels = shape_.output_channels,
                                      .panel = kernel_.panel.channels(),
                                      .pixels_per_block = PixelsPerBlock(pixel_bytes, kBlockBytes),
                                      .max_pool = arguments.max_pool};
  ForEachOutputBlock(windows, output, workspace, [&](const OutputBlock<BFloat16>& output_block) {
    kernel_.run_block({.weights = weights,
                       .bias = arguments.bias,
                       .relu = arguments.relu,
                       .output_block = output_block});
  });
}

}  // namespace semisup::kernels
