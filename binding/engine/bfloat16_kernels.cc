#include "engine/bfloat16_kernels.h"

#include "kernels/bfloat16/bfloat16_convolution.h"
#include "kernels/bfloat16/bfloat16_winograd.h"

namespace semisup::engine {
namespace {

// Returns body(Kernel*), with a null pointer to the kernel's class.
template <class Body>
auto WithKernel(BFloat16Kernel kernel, const Body& body) {
  if (kernel == BFloat16Kernel::kWinograd2x2) {
    return body(static_cast<const kernels::BFloat16Winograd*>(nullptr));
  }
  return body(static_cast<const kernels::BFloat16Convolution*>(nullptr));
}

}  // namespace

bool Supports(BFloat16Kernel kernel, const kernels::ConvolutionShape& shape) {
  return WithKernel(kernel, [&]<class Kernel>(const Kernel*) { return Kernel::Supports(shape); });
}

template <class Weight>
std::unique_ptr<const kernels::ConvolutionKernel<kernels::BFloat16>> MakeKernel(
    BFloat16Kernel kernel, const Weight& weight, const kernels::ConvolutionShape& shape) {
  using Made = std::unique_ptr<const kernels::ConvolutionKernel<kernels::BFloat16>>;
  return WithKernel(kernel, [&]<class Kernel>(const Kernel*) -> Made {
    return std::make_unique<Kernel>(weight, shape);
  });
}

template std::unique_ptr<const kernels::ConvolutionKernel<kernels::BFloat16>> MakeKernel(
    BFloat16Kernel, const kernels::BFloat16* const&, const kernels::ConvolutionShape&);
template std::unique_ptr<const kernels::ConvolutionKernel<kernels::BFloat16>> MakeKernel(
    BFloat16Kernel, const kernels::Buffer<kernels::BFloat16>&, const kernels::ConvolutionShape&);

kernels::Buffer<kernels::BFloat16> PackedWeights(
    BFloat16Kernel kernel, const kernels::ConvolutionKernel<kernels::BFloat16>& made) {
  return WithKernel(kernel, [&]<class Kernel>(const Kernel*) {
    return static_cast<const Kernel&>(made).packed();
  });
}

}  // namespace semisup::engine
