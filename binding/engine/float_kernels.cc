#include "engine/float_kernels.h"

#include "kernels/depthwise/depthwise.h"
#include "kernels/direct/direct.h"
#include "kernels/grouped/grouped.h"
#include "kernels/winograd/winograd.h"

namespace semisup::engine {
namespace {

// Returns body(Kernel*), with a null pointer to the kernel's class.
template <class Body>
auto WithKernel(FloatKernel kernel, const Body& body) {
  switch (kernel) {
    case FloatKernel::kDirect:
      return body(static_cast<const kernels::DirectConvolution*>(nullptr));
    case FloatKernel::kPointwise:
      return body(static_cast<const kernels::PointwiseConvolution*>(nullptr));
    case FloatKernel::kGrouped:
      return body(static_cast<const kernels::GroupedConvolution*>(nullptr));
    case FloatKernel::kDepthwise:
      return body(static_cast<const kernels::DepthwiseConvolution*>(nullptr));
    default:
      return body(static_cast<const kernels::WinogradConvolution*>(nullptr));
  }
}

}  // namespace

bool Supports(FloatKernel kernel, const kernels::ConvolutionShape& shape) {
  return WithKernel(kernel, [&]<class Kernel>(const Kernel*) { return Kernel::Supports(shape); });
}

template <class Weight>
std::unique_ptr<const kernels::ConvolutionKernel<float>> MakeKernel(
    FloatKernel kernel, const Weight& weight, const kernels::ConvolutionShape& shape) {
  using Made = std::unique_ptr<const kernels::ConvolutionKernel<float>>;
  return WithKernel(kernel, [&]<class Kernel>(const Kernel*) -> Made {
    if constexpr (std::is_same_v<Kernel, kernels::PointwiseConvolution>) {
      return std::make_unique<Kernel>(weight, shape.input_channels, shape.output_channels);
    } else if constexpr (std::is_same_v<Kernel, kernels::WinogradConvolution>) {
      return std::make_unique<Kernel>(weight, shape, kernel == FloatKernel::kWinograd2x2 ? 2 : 4);
    } else {
      return std::make_unique<Kernel>(weight, shape);
    }
  });
}

template std::unique_ptr<const kernels::ConvolutionKernel<float>> MakeKernel(
    FloatKernel, const float* const&, const kernels::ConvolutionShape&);
template std::unique_ptr<const kernels::ConvolutionKernel<float>> MakeKernel(
    FloatKernel, const kernels::Buffer<float>&, const kernels::ConvolutionShape&);

kernels::Buffer<float> PackedWeights(FloatKernel kernel,
                                     const kernels::ConvolutionKernel<float>& made) {
  return WithKernel(kernel, [&]<class Kernel>(const Kernel*) {
    const auto& packed = static_cast<const Kernel&>(made).packed();
    if constexpr (std::is_same_v<Kernel, kernels::PointwiseConvolution>) {
      return std::get<kernels::Buffer<float>>(packed);
    } else {
      return packed;
    }
  });
}

}  // namespace semisup::engine
