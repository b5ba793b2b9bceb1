#pragma once
#include <ATen/core/Tensor.h>

#include "grouped_kernels.h"
#include "kernel.h"

namespace semisup::plan {

// A convolution in groups of few channels, by its definition. Images lie row by row, channels
// innermost.
class Grouped final : public Kernel {
 public:
  // Whether this processor has what the kernels need, and they take so many channels.
  static bool Takes(const Shape& shape);

  // `weight`: [outputs, inputs of a group, rows, columns], contiguous.
  Grouped(const float* weight, const Shape& shape);

  void Run(const Images& images) const override;

 private:
  GroupedShape shape_;
  at::Tensor weight_;
};

}  // namespace semisup::plan
