#pragma once
#include <memory>

#include "engine/descriptions.h"
#include "kernels/convolution_kernel.h"

namespace semisup::engine {

// Whether a kernel and the processor support a convolution.
bool Supports(FloatKernel kernel, const kernels::ConvolutionShape& shape);

// `Weight`: const float* to weights [output_channels, input_channels / groups, rows, columns], or
// kernels::Buffer<float> of packed ones.
template <class Weight>
std::unique_ptr<const kernels::ConvolutionKernel<float>> MakeKernel(
    FloatKernel kernel, const Weight& weight, const kernels::ConvolutionShape& shape);

// The packed weights of a kernel that MakeKernel() made.
kernels::Buffer<float> PackedWeights(FloatKernel kernel,
                                     const kernels::ConvolutionKernel<float>& made);

}  // namespace semisup::engine
