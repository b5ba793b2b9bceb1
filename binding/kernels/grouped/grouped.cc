#include "kernels/grouped/grouped.h"

#include <algorithm>
#include <utility>

#include "kernels/parallel.h"

namespace semisup::kernels {
namespace {

// The input rows of a pass stay in the L1 cache.
constexpr int64_t kScratchBytes = 24 << 10;

}  // namespace

bool GroupedConvolution::Supports(const ConvolutionShape& shape) {
  return ActiveKernels() && shape.groups > 1 && !shape.is_depthwise();
}

GroupedConvolution::GroupedConvolution(const float* weight, const ConvolutionShape& shape)
    : shape_(ShapeOf(shape)), weight_(shape_.vectors() * shape_.weights_per_vector(), 0.0F) {
  const int64_t width = shape_.vector_width;
  const int64_t taps = shape.kernel[0] * shape.kernel[1];
  const int64_t inputs = shape.group_inputs();
  for (int64_t o = 0; o < shape.output_channels; o++) {
    // The position of the group's first input channel within the merged group.
    const int64_t offset = shape.FirstInputOf(o) - shape_.FirstInputOf(o);
    const int64_t group = o / shape_.group_outputs();
    const int64_t within = o % shape_.group_outputs();
    const int64_t vector = group * shape_.vectors_per_group() + within / width;
    float* packed = weight_.data() + vector * shape_.weights_per_vector() + within % width;
    for (int64_t c = 0; c < inputs; c++) {
      for (int64_t tap = 0; tap < taps; tap++) {
        packed[(tap * shape_.group_inputs() + offset + c) * width] =
            weight[(o * inputs + c) * taps + tap];
      }
    }
  }
}

GroupedConvolution::GroupedConvolution(Buffer<float> packed, const ConvolutionShape& shape)
    : shape_(ShapeOf(shape)), weight_(std::move(packed)) {
  CheckPacked(weight_, shape_.vectors() * shape_.weights_per_vector());
}

void GroupedConvolution::Run(const ConvolutionArguments<float>& arguments,
                             Workspace& workspace) const {
  const int64_t threads = ThreadCount();
  const int64_t rows = arguments.batch * arguments.height;
  const int64_t vectors = shape_.vectors();
  const auto partition =
      PartitionWork(rows, std::max<int64_t>(1, CeilDiv(rows, threads)), vectors, threads);
  const int64_t row_blocks = partition.pixel_blocks;
  const int64_t vector_groups = partition.panel_groups;
  const int64_t row_size = (arguments.input_width + 2 * shape_.padding[1]) * shape_.group_inputs();
  const int64_t input_rows = kScratchBytes / (row_size * static_cast<int64_t>(sizeof(float)));
  const int64_t rows_per_pass =
      std::max<int64_t>(1, (input_rows - shape_.extent(0)) / shape_.stride[0] + 1);
  const int64_t scratch_size =
      ((rows_per_pass - 1) * shape_.stride[0] + shape_.extent(0)) * row_size;
  const int64_t work = row_blocks * vector_groups;
  const Scratch<float> scratch(workspace, std::min(threads, work) * scratch_size);
  ParallelFor(work, 1, [&](int64_t begin, int64_t end, int64_t thread) {
    for (int64_t i = begin; i < end; i++) {
      const GroupedBlock block{.arguments = arguments,
                               .shape = shape_,
                               .weight = weight_.data(),
                               .rows_per_pass = rows_per_pass,
                               .scratch = scratch.data() + thread * scratch_size,
                               .rows = SplitRange(rows, i / vector_groups, row_blocks),
                               .vectors = SplitRange(vectors, i % vector_groups, vector_groups)};
      kernels_.run_grouped_block(block);
    }
  });
}

}  // namespace semisup::kernels
