#include "program/convolution_spec.h"

#include <c10/util/Exception.h>

namespace semisup::program {

kernels::ConvolutionShape ConvolutionSpec::Shape() const {
  return {.input_channels = weight.size(1) * groups,
          .output_channels = weight.size(0),
          .groups = groups,
          .kernel = {weight.size(2), weight.size(3)},
          .stride = {stride[0], stride[1]},
          .padding = {padding[0], padding[1]},
          .dilation = {dilation[0], dilation[1]}};
}

std::vector<int64_t> ConvolutionSpec::OutputSizes(at::IntArrayRef input) const {
  std::vector<int64_t> sizes{input[0], weight.size(0), 0, 0};
  for (int dim = 0; dim < 2; dim++) {
    const int64_t extent = dilation[dim] * (weight.size(2 + dim) - 1) + 1;
    const int64_t padded = input[2 + dim] + 2 * padding[dim];
    TORCH_CHECK(padded >= extent, "A convolution's kernel of ", extent,
                " pixels is larger than the padded input of shape ", input, ".");
    sizes[2 + dim] = (padded - extent) / stride[dim] + 1;
  }
  return sizes;
}

}  // namespace semisup::program
