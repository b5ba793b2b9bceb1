#include "kernels/depthwise/depthwise.h"

#include <utility>

#include "kernels/depthwise/depthwise_block.h"
#include "kernels/parallel.h"

namespace semisup::kernels {

bool DepthwiseConvolution::Supports(const ConvolutionShape& shape) {
  return ActiveKernels() && shape.is_depthwise();
}

int64_t DepthwiseConvolution::PackedSize() const {
  return CeilDiv(shape_.output_channels, kernels_.vector_width) * kernels_.vector_width *
         shape_.kernel[0] * shape_.kernel[1];
}

DepthwiseConvolution::DepthwiseConvolution(Buffer<float> packed, const ConvolutionShape& shape)
    : shape_(shape), weight_(std::move(packed)) {
  CheckPacked(weight_, PackedSize());
}

DepthwiseConvolution::DepthwiseConvolution(const float* weight, const ConvolutionShape& shape)
    : shape_(shape), weight_(PackedSize(), 0.0F) {
  const int64_t width = kernels_.vector_width;
  const int64_t taps = shape.kernel[0] * shape.kernel[1];
  for (int64_t c = 0; c < shape.output_channels; c++) {
    float* packed = weight_.data() + c / width * taps * width + c % width;
    for (int64_t tap = 0; tap < taps; tap++) packed[tap * width] = weight[c * taps + tap];
  }
}

void DepthwiseConvolution::Run(const ConvolutionArguments<float>& arguments, Workspace&) const {
  const int64_t threads = ThreadCount();
  const int64_t rows = arguments.batch * arguments.height;
  const int64_t vectors = CeilDiv(shape_.output_channels, kernels_.vector_width);
  const auto partition = PartitionWork(rows, CeilDiv(rows, threads), vectors, threads);
  const int64_t row_blocks = partition.pixel_blocks;
  const int64_t vector_groups = partition.panel_groups;
  ParallelFor(row_blocks * vector_groups, 1, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t i = begin; i < end; i++) {
      kernels_.run_depthwise_block(
          {.arguments = arguments,
           .shape = shape_,
           .weight = weight_.data(),
           .rows = SplitRange(rows, i / vector_groups, row_blocks),
           .vectors = SplitRange(vectors, i % vector_groups, vector_groups)});
    }
  });
}

}  // namespace semisup::kernels
