#pragma once
#include <ATen/core/Tensor.h>

#include "kernel.h"
#include "winograd_kernels.h"

namespace semisup::plan {

// A 3x3 convolution of stride 1 and padding 1 by Winograd's minimal filtering: F(4x4, 3x3) takes 36
// multiplications for sixteen outputs, where the definition takes 144, and F(2x2, 3x3) 16 for four
// (Lavin and Gray, 2015, "Fast algorithms for convolutional neural networks"). Weights that are
// transformed wholly would be four times as many, and nearly twice; here they are along one side
// alone: twice as many, and a third more. Images lie row by row, channels innermost.
class Winograd final : public Kernel {
 public:
  // Whether this processor has what the kernels need, and they take such a convolution.
  static bool Takes(const Shape& shape);

  // `weight`: [outputs, inputs of a group, 3, 3], contiguous. A tile of the output has `tile`
  // pixels each way: 4 or 2.
  Winograd(const float* weight, const Shape& shape, int tile);

  void Run(const Images& images) const override;

 private:
  WinogradShape shape_;
  at::Tensor weight_;
};

}  // namespace semisup::plan
