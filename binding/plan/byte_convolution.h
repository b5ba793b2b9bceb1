#pragma once
#include <ATen/core/Tensor.h>

#include "byte_kernels.h"
#include "convolution.h"
#include "shape.h"

namespace semisup::plan {

// A convolution of bytes of our own. Images are uint8, channels-last, weights int8.
class ByteConvolution {
 public:
  // What the bytes stand for. Tensors are float32 and have a number for each output.
  struct Meaning {
    uint8_t input_zero_point = 0;
    // A sum of products stands for the byte sum * factor + offset.
    at::Tensor factor;
    at::Tensor offset;
    // How many steps of the output one of what is added is.
    float other = 0;
  };

  // Whether this processor has what the kernel needs, and it takes such a convolution.
  static bool Takes(const ConvolutionSpec& spec, const Meaning& meaning);

  ByteConvolution(const ConvolutionSpec& spec, const Meaning& meaning);

  // `other` is undefined, or is added; it may be the output. Of `sides` is what is computed; where
  // there is a pooling, the output are maxima of it.
  void Run(const at::Tensor& input, const at::Tensor& other, const Sides& sides,
           const Pooling* pooling, const at::Tensor& output) const;

 private:
  Shape shape_;
  uint8_t zero_;
  float other_;
  bool are_floats_;
  // These are by the places of the outputs.
  at::Tensor starts_;
  at::Tensor factors_;
  at::Tensor offsets_;
  at::Tensor weights_;
};

}  // namespace semisup::plan
