#include "kernels/direct/direct.h"

#include "kernels/direct/blocking.h"
#include "kernels/direct/direct_block.h"
#include "kernels/parallel.h"

namespace semisup::kernels {

bool DirectConvolution::Supports(const ConvolutionShape& shape) {
  const bool is_pointwise = shape.kernel == HeightWidth{1, 1} && shape.stride == HeightWidth{1, 1};
  const auto* kernels = ActiveKernels();
  return kernels && shape.groups == 1 && !is_pointwise &&
         shape.output_channels % kernels->panel == 0;
}

DirectConvolution::DirectConvolution(const float* weight, const ConvolutionShape& shape)
    : shape_(shape),
      weight_(shape.output_channels * shape.input_channels * shape.kernel[0] * shape.kernel[1]) {
  const int64_t inputs = shape.input_channels;
  const int64_t taps = shape.kernel[0] * shape.kernel[1];
  const int64_t panel = kernels_.panel;
  ParallelFor(shape.output_channels, panel, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t o = begin; o < end; o++) {
      float* packed = weight_.data() + o / panel * panel * taps * inputs + o % panel;
      for (int64_t c = 0; c < inputs; c++) {
        for (int64_t tap = 0; tap < taps; tap++) {
          packed[(tap * inputs + c) * panel] = weight[(o * inputs + c) * taps + tap];
        }
      }
    }
  });
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
                            .rows = shape_.kernel[0],
                            .row_size = shape_.kernel[1] * shape_.input_channels,
                            .bias = arguments.bias,
                            .relu = arguments.relu,
                            .output_block = output_block};
    kernels_.run_direct_block(block);
  });
}

}  // namespace semisup::kernels
