#pragma once
#include <ATen/core/Tensor.h>

#include "convolution.h"
#include "kernel.h"
#include "windows.h"

namespace semisup::plan {

// A convolution by its definition, for kernels of more than one pixel. Images lie row by row,
// channels innermost.
class Windowed final : public Kernel {
 public:
  // Whether this processor has what the kernel needs, and it takes such a convolution.
  static bool Takes(const ConvolutionSpec& spec);

  explicit Windowed(const ConvolutionSpec& spec);

  void Run(const Images& images) const override;
  bool Pools() const override { return true; }
  bool TakesPlanes() const override { return inputs_ <= kMostPlanes; }

 private:
  int64_t inputs_;
  int64_t outputs_;
  Sides kernel_;
  Sides stride_;
  Sides padding_;
  at::Tensor weight_;
};

}  // namespace semisup::plan
