#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "kernel.h"
#include "shape.h"

namespace semisup::plan {

// A convolution of one pixel: a matrix times the channels of each. Images lie row by row, channels
// innermost.
class Pointwise final : public Kernel {
 public:
  // Whether this processor has what the kernels need, and they take such a convolution, or such a
  // matrix.
  static bool Takes(const Shape& shape);
  static bool Takes(int64_t outputs);

  // `weight`: [outputs, inputs], contiguous.
  Pointwise(const float* weight, int64_t inputs, int64_t outputs);

  void Run(const Images& images) const override;
  bool SkipsPixels() const override { return true; }
  // Keeps the weights as bfloat16, so that half as many bytes are read.
  void Halve();

 private:
  template <class Weight>
  void Run(const Images& images, const Weight* weight) const;

  int64_t inputs_;
  int64_t outputs_;
  at::Tensor weight_;
};

}  // namespace semisup::plan
