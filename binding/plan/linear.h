#pragma once
#include <ATen/core/Tensor.h>

#include "pointwise.h"

namespace semisup::plan {

// A matrix times the rows of another. Sums are float32 whatever the precision of a plan: the matrix
// is read once for a few rows, so that memory bounds it and not arithmetic.
class Linear {
 public:
  // Whether this processor has what it needs.
  static bool Takes();

  // `weight`: [outputs, inputs]; `bias`: [outputs], or undefined.
  Linear(const at::Tensor& weight, const at::Tensor& bias);

  // `rows`: [n, inputs] of any floating dtype. Gives [n, outputs] of float32.
  at::Tensor Run(const at::Tensor& rows) const;
  // Keeps the weights as bfloat16, for plans of less precision than float32.
  void Halve() { product_.Halve(); }

 private:
  int64_t inputs_;
  int64_t outputs_;
  // With so many outputs more as fill a panel.
  at::Tensor bias_;
  Pointwise product_;
};

}  // namespace semisup::plan
