#include "kernels/direct/direct.h"

#include <utility>

#include "kernels/direct/blocking.h"
#include "kernels/direct/direct_block.h"
#include "kernels/panel_weights.h"

namespace semisup::kernels {

bool DirectConvolution::Supports(const ConvolutionShape& shape) {
  // PointwiseConvolution computes these faster.
  const bool is_pointwise =
      shape.kernel == HeightWidth{1, 1} && shape.stride == HeightWidth{1, 1} && !shape.is_padded();
  return ActiveKernels() && shape.groups == 1 && !is_pointwise;
}

DirectConvolution::DirectConvolution(const float* weight, const ConvolutionShape& shape)
    : shape_(shape), weight_(PackPanels(weight, shape, kernels_)) {}

DirectConvolution::DirectConvolution(Buffer<float> packed, const ConvolutionShape& shape)
    : shape_(shape), weight_(std::move(packed)) {
  CheckPacked(weight_, PackedPanelsSize(shape, kernels_));
}

// The taps of a kernel row are contiguous unless columns are dilated; then each tap is a k-block.
DirectTaps DirectConvolution::TapsOf(int64_t row_stride) const {
  const auto& [rows, columns] = shape_.kernel;
  const int64_t inputs = shape_.input_channels;
  if (columns == 1 || shape_.dilation[1] == 1) {
    return {.lines = 1,
            .line_stride = 0,
            .k_blocks = rows,
            .k_block_stride = row_stride,
            .k_block_size = columns * inputs};
  }
  return {.lines = rows,
          .line_stride = row_stride,
          .k_blocks = columns,
          .k_block_stride = shape_.dilation[1] * inputs,
          .k_block_size = inputs};
}

void DirectConvolution::Run(const ConvolutionArguments<float>& arguments,
                            Workspace& workspace) const {
  const InputWindows<float> windows{.input = arguments.input,
                                    .height = arguments.input_height,
                                    .width = arguments.input_width,
                                    .output_height = arguments.height,
                                    .output_width = arguments.width,
                                    .shape = shape_,
                                    .padding_value = 0,
                                    .is_nchw = arguments.is_nchw,
                                    .copies_rows = shape_.is_padded() || arguments.is_nchw,
                                    .overread = 0};
  const int64_t pixel_bytes = shape_.input_channels * shape_.stride[0] * shape_.stride[1] *
                              static_cast<int64_t>(sizeof(float));
  const DirectOutput<float> output{.residual = arguments.residual,
                                   .data = arguments.output,
                                   .batch = arguments.batch,
                                   .channels = shape_.output_channels,
                                   .panel = kernels_.panel,
                                   .pixels_per_block = PixelsPerBlock(pixel_bytes),
                                   .max_pool = arguments.max_pool};
  ForEachOutputBlock(windows, output, workspace, [&](const OutputBlock<float>& output_block) {
    const DirectBlock block{.weight = weight_.data(),
                            .taps = TapsOf(output_block.row_stride),
                            .bias = arguments.bias,
                            .relu = arguments.relu,
                            .activation = arguments.activation,
                            .output_block = output_block};
    kernels_.run_direct_block(block);
  });
}

}  // namespace semisup::kernels
