#pragma once
#include <map>
#include <memory>

#include "convolution.h"
#include "kernel.h"

namespace semisup::plan {

// A convolution of float32 or bfloat16. Tensors are of the dtype of the weights.
class FloatingConvolution final : public Convolution {
 public:
  // Converts the weights to `dtype`.
  FloatingConvolution(ConvolutionSpec spec, at::ScalarType dtype);

  at::Tensor Run(const at::Tensor& input, at::Tensor other, Setting setting,
                 at::Tensor& packed) const override;
  bool Takes(Algorithm algorithm) const override;

 private:
  void Prepare(Algorithm algorithm) override;
  void Free() override;
  // `other` may be undefined. Where it is not, it is of the shape of the output.
  at::Tensor RunDirect(const at::Tensor& input, at::Tensor other, bool rectifies,
                       const at::Tensor& packed) const;
  at::Tensor RunKernel(const at::Tensor& input, const at::Tensor& other, bool rectifies,
                       const Kernel& kernel) const;
  std::unique_ptr<const Kernel> KernelOf(Algorithm algorithm) const;
  at::Tensor Pack(const at::Tensor& input) const;

  std::map<Algorithm, std::unique_ptr<const Kernel>> kernels_;
};

}  // namespace semisup::plan
