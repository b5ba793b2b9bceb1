#include "kernels/bfloat16/bfloat16_convolution.h"

#include "kernels/dot/dot_blocks.h"

namespace semisup::kernels {

bool BFloat16Convolution::Supports(const ConvolutionShape& shape) {
  const auto* kernel = ActiveBFloat16Kernel();
  return kernel && shape.groups == 1 && !shape.is_dilated() &&
         shape.output_channels % kernel->panel.channels() == 0;
}

BFloat16Convolution::BFloat16Convolution(const BFloat16* weight, const ConvolutionShape& shape)
    : shape_(shape),
      weights_(weight, shape, kernel_.panel, [](int64_t output) { return output; }) {}

void BFloat16Convolution::Run(const ConvolutionArguments<BFloat16>& arguments,
                              Workspace& workspace) const {
  const auto weights = weights_.layout();
  ForEachDotBlock(arguments, shape_, weights, BFloat16{0}, workspace,
                  [&](const OutputBlock<BFloat16>& output_block) {
                    kernel_.run_block({.weights = weights,
                                       .bias = arguments.bias,
                                       .relu = arguments.relu,
                                       .output_block = output_block});
                  });
}

}  // namespace semisup::kernels
