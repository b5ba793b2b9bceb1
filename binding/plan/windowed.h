#pragma once
#include <ATen/core/Tensor.h>

#include "kernel.h"
#include "shape.h"

namespace semisup::plan {

// A convolution by its definition, for kernels of more than one pixel or longer steps. Images lie
// row by row, channels innermost.
class Windowed final : public Kernel {
 public:
  // Whether this processor has what the kernel needs, and it takes such a convolution.
  static bool Takes(const Shape& shape);

  // `weight`: [outputs, inputs, rows, columns], contiguous.
  Windowed(const at::Tensor& weight, const Shape& shape);

  void Run(const Images& images) const override;
  bool Pools() const override { return true; }
  bool TakesPlanes() const override { return shape_.inputs <= kMostPlanes; }

 private:
  Shape shape_;
  at::Tensor weight_;
};

}  // namespace semisup::plan
