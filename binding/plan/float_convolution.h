#pragma once
#include <map>
#include <memory>

#include "kernels/convolution_kernel.h"
#include "plan/convolution.h"

namespace semisup::plan {

// A convolution in float32 or, with oneDNN only, in bfloat16. Tensors have the weights' dtype.
class FloatConvolution final : public Convolution {
 public:
  // Converts the weights to `dtype`.
  FloatConvolution(program::ConvolutionSpec spec, at::ScalarType dtype);

  at::Tensor Run(const at::Tensor& input, at::Tensor residual, ExecutionMode mode,
                 at::Tensor& packed) const override;
  bool Supports(Algorithm algorithm) const override;

 private:
  void Prepare(Algorithm algorithm) override;
  void ReleaseUnselectedKernels() override;
  std::unique_ptr<const kernels::ConvolutionKernel> MakeKernel(Algorithm algorithm) const;
  at::Tensor PackForOneDnn(const at::Tensor& input) const;
  // `residual` is undefined or has the output's shape.
  at::Tensor RunOneDnn(const at::Tensor& input, at::Tensor residual, bool relu,
                       const at::Tensor& packed) const;
  at::Tensor RunKernel(const at::Tensor& input, const at::Tensor& residual, bool relu,
                       const kernels::ConvolutionKernel& kernel) const;

  std::map<Algorithm, std::unique_ptr<const kernels::ConvolutionKernel>> kernels_;
};

}  // namespace semisup::plan
