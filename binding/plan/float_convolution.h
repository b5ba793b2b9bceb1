#pragma once
#include <map>
#include <memory>

#include "kernels/convolution_kernel.h"
#include "plan/convolution.h"

namespace semisup::plan {

// A convolution in float32 (float) or bfloat16 (kernels::BFloat16). Tensors have the weights'
// dtype.
template <class T>
class FloatConvolution final : public Convolution {
 public:
  // Converts the weights.
  explicit FloatConvolution(program::ConvolutionSpec spec);

  at::Tensor Run(const at::Tensor& input, at::Tensor residual, ExecutionMode mode,
                 at::Tensor& packed) const override;
  bool Supports(Algorithm algorithm) const override;

 private:
  using Kernel = std::unique_ptr<const kernels::ConvolutionKernel<T>>;

  void Prepare(Algorithm algorithm) override;
  void ReleaseUnselectedKernels() override;
  Kernel MakeKernel(Algorithm algorithm) const;
  at::Tensor PackForOneDnn(const at::Tensor& input) const;
  // `residual` is undefined or has the output's shape.
  at::Tensor RunOneDnn(const at::Tensor& input, at::Tensor residual, bool relu,
                       const at::Tensor& packed) const;
  at::Tensor RunKernel(const at::Tensor& input, const at::Tensor& residual, bool relu,
                       const kernels::ConvolutionKernel<T>& kernel,
                       const kernels::Activation& activation) const;
  // Applies the spec's activation in place.
  at::Tensor Activated(at::Tensor output) const;

  // In float32, for the kernels.
  at::Tensor bias_;
  std::map<Algorithm, Kernel> kernels_;
};

}  // namespace semisup::plan
