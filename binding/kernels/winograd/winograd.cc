#include "kernels/winograd/winograd.h"

#include <algorithm>
#include <utility>

#include "kernels/parallel.h"

namespace semisup::kernels {
namespace {

// Blocks are as large as fits into the L2 cache, so that each weight is reused often. The weights
// of a small group stay in the cache anyway, so that smaller blocks suffice: at most 8 bytes of
// scratch memory per byte of weights.
constexpr int64_t kMaxScratchBytes = 768 << 10;
constexpr int64_t kMaxScratchPerWeightByte = 8;
constexpr int64_t kMinTiles = 24;
// Of more groups, most weights would be zero.
constexpr int64_t kMaxMergedGroups = 4;

// The filter transform G of F(4x4, 3x3), for the interpolation points 0, 1, -1, 2, -2 and infinity
// (Lavin and Gray).
constexpr double kFilterTransform4x4[6][3] = {{1 / 4., 0, 0},
                                              {-1 / 6., -1 / 6., -1 / 6.},
                                              {-1 / 6., 1 / 6., -1 / 6.},
                                              {1 / 24., 1 / 12., 1 / 6.},
                                              {1 / 24., -1 / 12., 1 / 6.},
                                              {0, 0, 1}};
// The filter transform G of F(2x2, 3x3), for the interpolation points 0, 1, -1 and infinity.
constexpr double kFilterTransform2x2[4][3] = {
    {1, 0, 0}, {1 / 2., 1 / 2., 1 / 2.}, {1 / 2., -1 / 2., 1 / 2.}, {0, 0, 1}};

// Factors folded into the filter's rows so that TransformKernel() needs additions only;
// TransformOutputColumn() compensates for them.
constexpr double kRowScales4x4[3] = {1 / 12., 1 / 6., 1 / 6.};
constexpr double kRowScales2x2[3] = {1 / 4., 1 / 2., 1 / 2.};

// Applies the row transform only: g G^T of G g G^T, where g is the filter.
template <int side>
void TransformWeight(const double (&transform)[side][3], const double (&row_scales)[3],
                     const float* weight, const ConvolutionShape& unmerged,
                     const WinogradShape& shape, float* output) {
  const int64_t inputs = unmerged.group_inputs();
  const int64_t panel = shape.panel();
  ParallelFor(shape.output_channels, panel, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t o = begin; o < end; o++) {
      // The first input of the group within the merged group.
      const int64_t offset = unmerged.FirstInputOf(o) - shape.FirstInputOf(o);
      float* packed =
          output + shape.PanelOffset(0, o / panel * panel) + offset * 3 * panel + o % panel;
      const int64_t stride = shape.PanelOffset(1, o) - shape.PanelOffset(0, o);
      for (int64_t c = 0; c < inputs; c++) {
        const float* kernel = weight + (o * inputs + c) * 9;
        for (int j = 0; j < side; j++) {
          for (int i = 0; i < 3; i++) {
            double sum = 0;
            for (int x = 0; x < 3; x++) sum += transform[j][x] * kernel[i * 3 + x];
            packed[j * stride + (c * 3 + i) * panel] = static_cast<float>(row_scales[i] * sum);
          }
        }
      }
    }
  });
}

}  // namespace

bool WinogradConvolution::Supports(const ConvolutionShape& shape) {
  const auto* kernels = ActiveKernels();
  if (!kernels) return false;
  const int64_t width = kernels->vector_width;
  const auto merged = shape.WithMergedGroups(width, kMaxMergedGroups);
  return shape.kernel == HeightWidth{3, 3} && shape.stride == HeightWidth{1, 1} &&
         shape.padding == HeightWidth{1, 1} && !shape.is_dilated() &&
         merged.group_inputs() % width == 0 && merged.group_outputs() % width == 0;
}

WinogradShape WinogradConvolution::ShapeOf(const ConvolutionShape& shape, int tile) const {
  return {shape.WithMergedGroups(kernels_.vector_width, kMaxMergedGroups), tile,
          kernels_.winograd_panel};
}

WinogradConvolution::WinogradConvolution(Buffer<float> packed, const ConvolutionShape& shape,
                                         int tile)
    : shape_(ShapeOf(shape, tile)), weight_(std::move(packed)) {
  CheckPacked(weight_, shape_.weights());
}

WinogradConvolution::WinogradConvolution(const float* weight, const ConvolutionShape& shape,
                                         int tile)
    : shape_(ShapeOf(shape, tile)), weight_(shape_.weights(), 0.0F) {
  if (tile == 4) {
    TransformWeight(kFilterTransform4x4, kRowScales4x4, weight, shape, shape_, weight_.data());
  } else {
    TransformWeight(kFilterTransform2x2, kRowScales2x2, weight, shape, shape_, weight_.data());
  }
}

void WinogradConvolution::Run(const ConvolutionArguments<float>& arguments,
                              Workspace& workspace) const {
  const int64_t threads = ThreadCount();
  const int64_t tiles_per_row = CeilDiv(arguments.width, shape_.tile);
  const int64_t tiles_per_image = tiles_per_row * CeilDiv(arguments.height, shape_.tile);
  const int64_t tiles = tiles_per_image * arguments.batch;
  const int64_t panels = shape_.output_channels / shape_.panel();
  // Of transformed data, per tile and channel.
  const int64_t tile_channel_bytes = shape_.points() * static_cast<int64_t>(sizeof(float));
  const int64_t weight_bytes =
      shape_.weights() / shape_.groups * static_cast<int64_t>(sizeof(float));
  const int64_t max_tiles = std::min(kMaxScratchBytes, kMaxScratchPerWeightByte * weight_bytes) /
                            (tile_channel_bytes * (shape_.group_inputs() + shape_.group_outputs()));
  int64_t blocks = CeilDiv(tiles, std::max(kMinTiles, max_tiles));
  // Round to the nearest multiple of the thread count, so that no thread idles in the last round.
  if (blocks > threads) blocks = (blocks + threads / 2) / threads * threads;
  // Groups share no data, so each is a unit of work. Without groups, the output channels are split
  // if there are fewer blocks than threads: splitting the tiles further would make each thread read
  // all weights for a few tiles.
  const int64_t output_splits =
      shape_.groups > 1 ? shape_.groups : std::min(panels, CeilDiv(threads, blocks));
  const int64_t max_tiles_per_block = CeilDiv(tiles, blocks);
  const int64_t max_outputs_per_block = CeilDiv(panels, output_splits) * shape_.panel();
  const int64_t transformed_size =
      shape_.points() * PointStride({0, max_tiles_per_block}, {0, shape_.group_inputs()});
  const int64_t scratch_size =
      transformed_size +
      shape_.points() * PointStride({0, max_tiles_per_block}, {0, max_outputs_per_block});
  const int64_t work = blocks * output_splits;
  const Scratch<float> scratch(workspace, std::min(threads, work) * scratch_size);
  ParallelFor(work, 1, [&](int64_t begin, int64_t end, int64_t thread) {
    float* transformed = scratch.data() + thread * scratch_size;
    for (int64_t i = begin; i < end; i++) {
      const auto outputs = SplitRange(panels, i % output_splits, output_splits, shape_.panel());
      const WinogradBlock block{
          .arguments = arguments,
          .shape = shape_,
          .weight = weight_.data(),
          .tiles_per_row = tiles_per_row,
          .tiles_per_image = tiles_per_image,
          .tiles = SplitRange(tiles, i / output_splits, blocks),
          .inputs = {shape_.FirstInputOf(outputs.first), shape_.group_inputs()},
          .outputs = outputs,
          .transformed = transformed,
          .products = transformed + transformed_size};
      kernels_.run_winograd_block(block);
    }
  });
}

}  // namespace semisup::kernels
