#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "kernels/convolution_shape.h"

namespace semisup::program {

// A convolution with constant weights, and the operators that are fused into it.
struct ConvolutionSpec {
  // [output_channels, input_channels / groups, rows, columns].
  at::Tensor weight;
  // [output_channels], or undefined.
  at::Tensor bias;
  std::vector<int64_t> stride;
  std::vector<int64_t> padding;
  std::vector<int64_t> dilation;
  int64_t groups = 1;
  // Whether a residual is added to the output, and whether a ReLU follows.
  bool has_residual = false;
  bool relu = false;

  kernels::ConvolutionShape Shape() const;
  // The output's sizes [n, c, h, w] for an input's. Throws c10::Error if the
  // kernel is larger than the padded input.
  std::vector<int64_t> OutputSizes(at::IntArrayRef input) const;
};

}  // namespace semisup::program
