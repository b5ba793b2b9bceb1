#include "kernels/panel_weights.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "kernels/partition.h"

namespace semisup::kernels {

namespace {

int64_t PaddedOutputs(const ConvolutionShape& shape, const SimdKernels& kernels) {
  return CeilDiv(shape.output_channels, kernels.vector_width) * kernels.vector_width;
}

}  // namespace

int64_t PackedPanelsSize(const ConvolutionShape& shape, const SimdKernels& kernels) {
  return PaddedOutputs(shape, kernels) * shape.input_channels * shape.kernel[0] * shape.kernel[1];
}

Buffer<float> PackPanels(const float* weight, const ConvolutionShape& shape,
                         const SimdKernels& kernels) {
  const int64_t outputs = shape.output_channels;
  const int64_t inputs = shape.input_channels;
  const int64_t taps = shape.kernel[0] * shape.kernel[1];
  const int64_t padded_outputs = PaddedOutputs(shape, kernels);
  Buffer<float> packed(PackedPanelsSize(shape, kernels), 0.0F);
  ParallelFor(outputs, kernels.panel, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t o = begin; o < end; o++) {
      const int64_t first = o / kernels.panel * kernels.panel;
      const int64_t width = std::min(kernels.panel, padded_outputs - first);
      float* column = packed.data() + first * taps * inputs + o - first;
      for (int64_t c = 0; c < inputs; c++) {
        for (int64_t tap = 0; tap < taps; tap++) {
          column[(tap * inputs + c) * width] = weight[(o * inputs + c) * taps + tap];
        }
      }
    }
  });
  return packed;
}

}  // namespace semisup::kernels
