#include "kernels/pointwise/pointwise.h"

#include <algorithm>
#include <utility>

#include "kernels/bfloat16/round.h"
#include "kernels/panel_weights.h"
#include "kernels/parallel.h"
#include "kernels/pointwise/pointwise_block.h"

namespace semisup::kernels {

bool PointwiseConvolution::Supports(const ConvolutionShape& shape) {
  return shape.kernel == HeightWidth{1, 1} && !shape.is_padded() && shape.groups == 1 &&
         ActiveKernels() != nullptr;
}

PointwiseConvolution::PointwiseConvolution(const float* weight, int64_t input_channels,
                                           int64_t output_channels)
    : input_channels_(input_channels),
      output_channels_(output_channels),
      weight_(PackPanels(weight, Shape(), kernels_)) {}

PointwiseConvolution::PointwiseConvolution(Packed packed, int64_t input_channels,
                                           int64_t output_channels)
    : input_channels_(input_channels),
      output_channels_(output_channels),
      weight_(std::move(packed)) {
  std::visit([this](const auto& one) { CheckPacked(one, PackedPanelsSize(Shape(), kernels_)); },
             weight_);
}

ConvolutionShape PointwiseConvolution::Shape() const {
  return {.input_channels = input_channels_,
          .output_channels = output_channels_,
          .groups = 1,
          .kernel = {1, 1},
          .stride = {1, 1},
          .padding = {0, 0}};
}

void PointwiseConvolution::ConvertToBFloat16() {
  const auto* weight = std::get_if<Buffer<float>>(&weight_);
  if (!weight) return;
  Buffer<BFloat16> rounded(weight->size());
  for (int64_t i = 0; i < weight->size(); i++) rounded[i] = RoundToBFloat16((*weight)[i]);
  weight_ = std::move(rounded);
}

void PointwiseConvolution::Run(const ConvolutionArguments<float>& arguments, Workspace&) const {
  if (const auto* weight = std::get_if<Buffer<float>>(&weight_)) {
    RunWith(weight->data(), kernels_.run_pointwise_block, arguments);
  } else {
    RunWith(std::get<Buffer<BFloat16>>(weight_).data(), kernels_.run_pointwise_block_bfloat16,
            arguments);
  }
}

template <class Weight>
void PointwiseConvolution::RunWith(const Weight* weight,
                                   void (*run_block)(const PointwiseBlock<Weight>&),
                                   const ConvolutionArguments<float>& arguments) const {
  const int64_t pixels = arguments.batch * arguments.height * arguments.width;
  const int64_t pixel_bytes = input_channels_ * static_cast<int64_t>(sizeof(float));
  const int64_t panels = CeilDiv(output_channels_, kernels_.panel);
  const auto partition = PartitionWork(pixels, PixelsPerBlock(pixel_bytes), panels, ThreadCount());
  const int64_t pixel_blocks = partition.pixel_blocks;
  const int64_t panel_groups = partition.panel_groups;
  ParallelFor(pixel_blocks * panel_groups, 1, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t i = begin; i < end; i++) {
      auto outputs = SplitRange(panels, i % panel_groups, panel_groups, kernels_.panel);
      outputs.count = std::min(outputs.count, output_channels_ - outputs.first);
      const PointwiseBlock<Weight> block{
          .arguments = arguments,
          .weight = weight,
          .input_channels = input_channels_,
          .output_channels = output_channels_,
          .pixels = SplitRange(pixels, i / panel_groups, pixel_blocks),
          .outputs = outputs};
      run_block(block);
    }
  });
}

}  // namespace semisup::kernels
