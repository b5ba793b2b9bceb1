#pragma once
#include <ATen/core/Tensor.h>

#include <memory>

#include "engine/convolution_algorithm.h"
#include "kernels/buffer.h"
#include "plan/algorithm.h"

namespace semisup::plan {

// The float32 kernels as algorithms of a convolution, which may be of another precision: its images
// are converted. `bias`: of the output channels, or empty.

bool HasFloatKernel(Algorithm algorithm, const kernels::ConvolutionShape& shape,
                    const kernels::Buffer<float>& bias);
// `weight`: [output_channels, input_channels / groups, rows, columns].
std::shared_ptr<const engine::ConvolutionAlgorithm> MakeFloatKernel(
    Algorithm algorithm, const at::Tensor& weight, const kernels::Buffer<float>& bias,
    const kernels::ConvolutionShape& shape);

}  // namespace semisup::plan
