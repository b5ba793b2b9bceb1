#pragma once
#include <memory>

#include "engine/descriptions.h"
#include "kernels/convolution_kernel.h"

namespace semisup::engine {

// As those of float_kernels.h, for bfloat16.

bool Supports(BFloat16Kernel kernel, const kernels::ConvolutionShape& shape);

// `Weight`: const kernels::BFloat16* or kernels::Buffer<kernels::BFloat16>.
template <class Weight>
std::unique_ptr<const kernels::ConvolutionKernel<kernels::BFloat16>> MakeKernel(
    BFloat16Kernel kernel, const Weight& weight, const kernels::ConvolutionShape& shape);

kernels::Buffer<kernels::BFloat16> PackedWeights(
    BFloat16Kernel kernel, const kernels::ConvolutionKernel<kernels::BFloat16>& made);

}  // namespace semisup::engine
