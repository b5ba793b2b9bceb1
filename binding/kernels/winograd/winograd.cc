#include "kernels/winograd/winograd.h"

#include <algorithm>

#include "kernels/cpu_features.h"
#include "kernels/parallel.h"

namespace semisup::kernels {
namespace {

// A block has enough tiles to reuse each weight often, and few enough for its scratch memory to
// stay in the L2 cache. The few weights of a small group need less reuse, hence the limit relative
// to their size.
constexpr int64_t kMaxScratchBytes = 768 << 10;
constexpr int64_t kMaxScratchPerWeightByte = 8;
constexpr int64_t kMinTiles = 24;

// The kernel transforms G of Lavin and Gray for the points 0, 1, -1, 2, -2 and infinity...
constexpr double kTransformOf4[6][3] = {{1 / 4., 0, 0},
                                        {-1 / 6., -1 / 6., -1 / 6.},
                                        {-1 / 6., 1 / 6., -1 / 6.},
                                        {1 / 24., 1 / 12., 1 / 6.},
                                        {1 / 24., -1 / 12., 1 / 6.},
                                        {0, 0, 1}};
// ... and for 0, 1, -1 and infinity.
constexpr double kTransformOf2[4][3] = {
    {1, 0, 0}, {1 / 2., 1 / 2., 1 / 2.}, {1 / 2., -1 / 2., 1 / 2.}, {0, 0, 1}};

// Scales of the kernel's rows, with which the column transform takes additions only.
constexpr double kRowScalesOf4[3] = {1 / 12., 1 / 6., 1 / 6.};
constexpr double kRowScalesOf2[3] = {1 / 4., 1 / 2., 1 / 2.};

// Computes k G' of the transform G k G'.
template <int side>
void TransformWeight(const double (&transform)[side][3], const double (&row_scales)[3],
                     const float* weight, const ConvolutionShape& original,
                     const WinogradShape& shape, float* output) {
  const int64_t inputs = original.group_inputs();
  const int64_t panel = shape.panel();
  ParallelFor(shape.output_channels, kVectorWidth, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t o = begin; o < end; o++) {
      // Where the group's inputs begin within those of the merged group.
      const int64_t offset = original.FirstInputOf(o) - shape.FirstInputOf(o);
      float* column =
          output + shape.PanelOffset(0, o / panel * panel) + offset * 3 * panel + o % panel;
      const int64_t stride = shape.PanelOffset(1, o) - shape.PanelOffset(0, o);
      for (int64_t c = 0; c < inputs; c++) {
        const float* kernel = weight + (o * inputs + c) * 9;
        for (int j = 0; j < side; j++) {
          for (int i = 0; i < 3; i++) {
            double sum = 0;
            for (int x = 0; x < 3; x++) sum += transform[j][x] * kernel[i * 3 + x];
            column[j * stride + (c * 3 + i) * panel] = static_cast<float>(row_scales[i] * sum);
          }
        }
      }
    }
  });
}

}  // namespace

bool WinogradConvolution::Supports(const ConvolutionShape& shape) {
  const auto merged = shape.WithMergedGroups();
  return HasAvx512() && shape.kernel == HeightWidth{3, 3} && shape.stride == HeightWidth{1, 1} &&
         shape.padding == HeightWidth{1, 1} && merged.group_inputs() % kVectorWidth == 0 &&
         merged.group_outputs() % kVectorWidth == 0;
}

WinogradConvolution::WinogradConvolution(const float* weight, const ConvolutionShape& shape,
                                         int tile)
    : shape_{shape.WithMergedGroups(), tile}, weight_(shape_.weights(), 0.0F) {
  if (tile == 4) {
    TransformWeight(kTransformOf4, kRowScalesOf4, weight, shape, shape_, weight_.data());
  } else {
    TransformWeight(kTransformOf2, kRowScalesOf2, weight, shape, shape_, weight_.data());
  }
}

void WinogradConvolution::Run(const ConvolutionArguments& arguments, Workspace& workspace) const {
  const int64_t threads = ThreadCount();
  const int64_t tiles_per_row = CeilDiv(arguments.width, shape_.tile);
  const int64_t tiles_per_image = tiles_per_row * CeilDiv(arguments.height, shape_.tile);
  const int64_t tiles = tiles_per_image * arguments.batch;
  const int64_t panels = shape_.output_channels / shape_.panel();
  const int64_t channel_bytes = shape_.points() * static_cast<int64_t>(sizeof(float));
  const int64_t weight_bytes =
      shape_.weights() / shape_.groups * static_cast<int64_t>(sizeof(float));
  const int64_t max_tiles = std::min(kMaxScratchBytes, kMaxScratchPerWeightByte * weight_bytes) /
                            (channel_bytes * (shape_.group_inputs() + shape_.group_outputs()));
  int64_t blocks = CeilDiv(tiles, std::max(kMinTiles, max_tiles));
  if (blocks > threads) blocks = (blocks + threads / 2) / threads * threads;
  // Groups share no data, so each is a unit of work. Without groups, threads share the outputs
  // where there are fewer blocks than threads: smaller blocks would make each thread read all
  // weights for a few tiles.
  const int64_t output_groups =
      shape_.groups > 1 ? shape_.groups : std::min(panels, CeilDiv(threads, blocks));
  const Range largest_tiles{0, CeilDiv(tiles, blocks)};
  const Range largest_outputs{0, CeilDiv(panels, output_groups) * shape_.panel()};
  const int64_t transformed_size =
      shape_.points() * PointStride(largest_tiles, {0, shape_.group_inputs()});
  const int64_t scratch_size =
      transformed_size + shape_.points() * PointStride(largest_tiles, largest_outputs);
  const int64_t work = blocks * output_groups;
  const Scratch<float> scratch(workspace, std::min(threads, work) * scratch_size);
  ParallelFor(work, 1, [&](int64_t begin, int64_t end, int64_t thread) {
    float* transformed = scratch.data() + thread * scratch_size;
    for (int64_t i = begin; i < end; i++) {
      const auto outputs = SplitRange(panels, i % output_groups, output_groups, shape_.panel());
      const WinogradBlock block{
          .arguments = arguments,
          .shape = shape_,
          .weight = weight_.data(),
          .tiles_per_row = tiles_per_row,
          .tiles_per_image = tiles_per_image,
          .tiles = SplitRange(tiles, i / output_groups, blocks),
          .inputs = {shape_.FirstInputOf(outputs.first), shape_.group_inputs()},
          .outputs = outputs,
          .transformed = transformed,
          .products = transformed + transformed_size};
#if defined(__x86_64__)
      RunWinogradBlockAvx512(block);
#endif
    }
  });
}

}  // namespace semisup::kernels
