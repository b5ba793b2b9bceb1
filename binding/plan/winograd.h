#pragma once
#include <ATen/core/Tensor.h>

#include "kernel.h"
#include "winograd_kernels.h"

namespace semisup::plan {

// A 3x3 convolution of stride 1 and padding 1 by Winograd's minimal filtering: F(4x4, 3x3) takes 36
// multiplications for sixteen outputs, where the definition takes 144, and four times the weights;
// F(2x2, 3x3) takes 16 for four, and less than twice the weights (Lavin and Gray, 2015, "Fast
// algorithms for convolutional neural networks"). Images lie row by row, channels innermost.
class Winograd final : public Kernel {
 public:
  // Whether this processor has what the kernels need, and they take so many channels.
  static bool Takes(const WinogradShape& shape);

  // `weight`: [outputs, inputs of a group, 3, 3], contiguous.
  Winograd(const float* weight, const WinogradShape& shape);

  void Run(const Images& images) const override;

 private:
  // The channels that outputs are made of.
  Slice InputsOf(const Slice& outputs) const;

  WinogradShape shape_;
  at::Tensor weight_;
};

}  // namespace semisup::plan
