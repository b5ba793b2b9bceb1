#pragma once
#include <cstdint>

#include "kernels/buffer.h"
#include "kernels/convolution_shape.h"
#include "kernels/simd_kernels.h"

namespace semisup::kernels {

// The number of elements of the result of PackPanels().
int64_t PackedPanelsSize(const ConvolutionShape& shape, const SimdKernels& kernels);

// Packs the weights [output_channels, input_channels, rows, columns] of an ungrouped convolution.
// For each panel of output channels: [rows, columns, input_channels, width]. The last panel is as
// wide as its channels in whole vectors; the weights beyond the last channel are zero.
Buffer<float> PackPanels(const float* weight, const ConvolutionShape& shape,
                         const SimdKernels& kernels);

}  // namespace semisup::kernels
