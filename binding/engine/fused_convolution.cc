#include "engine/fused_convolution.h"

#include <stdexcept>

namespace semisup::engine {

Sizes FusedConvolution::OutputSizes(const Sizes& input) const {
  if (input.size() != 4 || input[1] != shape.input_channels) {
    throw std::invalid_argument("Expected an input of " + std::to_string(shape.input_channels) +
                                " channels for a convolution, but received a tensor of shape " +
                                ToString(input) + ".");
  }
  Sizes sizes{input[0], shape.output_channels, 0, 0};
  for (int dim = 0; dim < 2; dim++) {
    const int64_t extent = shape.extent(dim);
    const int64_t padded = input[2 + dim] + 2 * shape.padding[dim];
    if (padded < extent) {
      throw std::invalid_argument("A convolution's kernel of " + std::to_string(extent) +
                                  " pixels is larger than the padded input of shape " +
                                  ToString(input) + ".");
    }
    sizes[2 + dim] = (padded - extent) / shape.stride[dim] + 1;
  }
  return sizes;
}

Sizes FusedConvolution::PooledSizes(Sizes output) const {
  for (size_t dim = 2; max_pool && dim < 4; dim++) {
    output[dim] = max_pool->OutputLength(output[dim]);
  }
  return output;
}

}  // namespace semisup::engine
