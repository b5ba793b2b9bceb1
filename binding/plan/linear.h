#pragma once
#include <ATen/core/Tensor.h>

#include "kernels/pointwise/pointwise.h"
#include "program/operators.h"

namespace semisup::plan {

// A fully connected layer, computed by the pointwise kernel. Sums are float32 in every precision:
// each weight is used for only a few rows, so memory bandwidth limits the layer, not arithmetic.
class Linear {
 public:
  // Whether the processor supports it.
  static bool IsSupported();

  explicit Linear(const program::LinearSpec& spec);

  // From rows [n, inputs] or pixels [n, h, w, inputs] of any floating-point dtype to float32 of the
  // same form.
  at::Tensor Run(const at::Tensor& rows) const;
  // Appends an activation, unless there is one.
  bool FuseActivation(const kernels::Activation& activation);
  // Rounds the weights to bfloat16, for plans with a lower precision than float32.
  void ConvertToBFloat16() { product_.ConvertToBFloat16(); }

 private:
  int64_t inputs_;
  int64_t outputs_;
  // Undefined if there is none.
  at::Tensor bias_;
  kernels::PointwiseConvolution product_;
  kernels::Activation activation_;
};

}  // namespace semisup::plan
