#pragma once
#include <cstdint>

#include "kernels/partition.h"
#include "kernels/pooling/max_pool.h"

namespace semisup::kernels {

// Average pooling, like torch.nn.AvgPool2d without ceil_mode or divisor_override.
struct AveragePool {
  HeightWidth kernel;
  HeightWidth stride;
  HeightWidth padding;
  // Whether the mean of a window counts the zeros of the padding.
  bool counts_padding;

  // The output's length along a spatial dimension. Throws std::invalid_argument if no window fits.
  int64_t OutputLength(int dimension, int64_t input_length) const {
    return Along(dimension).OutputLength(input_length);
  }
  // The windows along a spatial dimension.
  MaxPool Along(int dimension) const {
    return {kernel[dimension], stride[dimension], padding[dimension]};
  }
};

// Pools a batch. Requires ActiveKernels().
void RunAveragePool(const PoolInput<float>& input, const AveragePool& pool, float* output);

// Global average pooling: writes the mean of each channel of each image, [batch, channels].
template <class T>
void RunGlobalAveragePool(const PoolInput<T>& input, float* means);

}  // namespace semisup::kernels
