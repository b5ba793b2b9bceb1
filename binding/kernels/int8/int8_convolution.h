#pragma once
#include <vector>

#include "kernels/buffer.h"
#include "kernels/convolution_shape.h"
#include "kernels/dot/dot_weights.h"
#include "kernels/int8/int8_kernel.h"
#include "kernels/pooling/max_pool.h"
#include "kernels/workspace.h"

namespace semisup::kernels {

// How sums of products become output bytes.
struct RequantizationParameters {
  uint8_t input_zero_point = 0;
  // Per output channel: a sum of products becomes the byte sum * scale + offset.
  std::vector<float> scale;
  std::vector<float> offset;
  // The scale of the residual relative to that of the output.
  float residual_scale = 0;
};

// The weights of a kernel, and what it does with its sums.
struct PackedInt8 {
  Buffer<int8_t> weights;
  // By position in the packed panels.
  Buffer<int32_t> initial_sums;
  Buffer<float> scales;
  Buffer<float> offsets;
  uint8_t zero_point = 0;
  float residual_scale = 0;
  bool sums_are_float_bits = false;
};

// The tensors of one run: uint8, NHWC.
struct Int8Arguments {
  const uint8_t* input;
  // Of the output's shape, or null; may alias the output.
  const uint8_t* residual;
  uint8_t* output;
  int64_t batch;
  // Of the convolution's output, before pooling if `max_pool` is set.
  int64_t height;
  int64_t width;
  int64_t input_height;
  int64_t input_width;
  // If not null, `output` receives the pooled output.
  const MaxPool* max_pool;
};

// A direct convolution of uint8 images with int8 weights and int32 accumulators. Thread-safe.
class Int8Convolution {
 public:
  // The largest magnitude of a weight: 127, or 63 where products of pairs are added in 16 bits,
  // which saturate beyond 2 * 255 * 64.
  static int MaxWeight();

  // Whether the processor and the kernel support a convolution.
  static bool SupportsShape(const ConvolutionShape& shape);
  // Whether they do, and no int32 sum and no requantized value can overflow.
  static bool Supports(const ConvolutionShape& shape, const RequantizationParameters& parameters);

  // `weight`: [output_channels, input_channels, rows, columns], contiguous.
  Int8Convolution(const int8_t* weight, const ConvolutionShape& shape,
                  const RequantizationParameters& parameters);

  // `packed`: the packed() of such a kernel. Throws std::invalid_argument for another size.
  Int8Convolution(const PackedInt8& packed, const ConvolutionShape& shape);

  void Run(const Int8Arguments& arguments, Workspace& workspace) const;
  PackedInt8 packed() const;

 private:
  // Sets the initial sums. Returns, for each output channel, the largest magnitude that its sum,
  // including the initial sum, can reach.
  std::vector<int32_t> SumWeights(const int8_t* weight);

  const Int8Kernel& kernel_ = *ActiveInt8Kernel();
  ConvolutionShape shape_;
  uint8_t zero_point_;
  float residual_scale_;
  bool sums_are_float_bits_;
  PackedDotWeights<int8_t> weights_;
  // Indexed by DotPanel::PackedIndex().
  Buffer<int32_t> initial_sums_;
  Buffer<float> scales_;
  Buffer<float> offsets_;
};

}  // namespace semisup::kernels
