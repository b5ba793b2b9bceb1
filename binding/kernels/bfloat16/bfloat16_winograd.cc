#include "kernels/bfloat16/bfloat16_winograd.h"

#include <algorithm>
#include <utility>

#include "kernels/bfloat16/bfloat16_winograd_block.h"
#include "kernels/bfloat16/round.h"
#include "kernels/parallel.h"

namespace semisup::kernels {
namespace {

constexpr int kSide = kBFloat16WinogradSide;
constexpr int kPoints = kBFloat16WinogradPoints;
// The channels that a vector holds in float32.
constexpr int64_t kVectorChannels = 16;
// Blocks are as large as fits into the L2 cache, so that each weight is reused often.
constexpr int64_t kMaxScratchBytes = 768 << 10;
constexpr int64_t kMinTiles = 24;

// The filter transform G, for the interpolation points 0, 1, -1 and infinity (Lavin and Gray).
constexpr float kFilterTransform[kSide][3] = {
    {1, 0, 0}, {1 / 2.F, 1 / 2.F, 1 / 2.F}, {1 / 2.F, -1 / 2.F, 1 / 2.F}, {0, 0, 1}};

// Element [i, j] of G g G^T, where g is the filter.
float TransformFilter(const BFloat16* filter, int i, int j) {
  float sum = 0;
  for (int y = 0; y < 3; y++) {
    for (int x = 0; x < 3; x++) {
      sum += kFilterTransform[i][y] * ToFloat(filter[y * 3 + x]) * kFilterTransform[j][x];
    }
  }
  return sum;
}

int64_t PackedSize(const ConvolutionShape& shape) {
  return kPoints * shape.input_channels * shape.output_channels;
}

}  // namespace

bool BFloat16Winograd::Supports(const ConvolutionShape& shape) {
  const auto* kernel = ActiveBFloat16Kernel();
  return kernel && kernel->run_winograd_block && shape.groups == 1 &&
         shape.kernel == HeightWidth{3, 3} && shape.stride == HeightWidth{1, 1} &&
         shape.padding == HeightWidth{1, 1} && !shape.is_dilated() &&
         shape.input_channels % kVectorChannels == 0 &&
         shape.output_channels % kernel->panel.channels() == 0;
}

BFloat16Winograd::BFloat16Winograd(Buffer<BFloat16> packed, const ConvolutionShape& shape)
    : shape_(shape), weights_(std::move(packed)) {
  CheckPacked(weights_, PackedSize(shape));
}

BFloat16Winograd::BFloat16Winograd(const BFloat16* weight, const ConvolutionShape& shape)
    : shape_(shape), weights_(PackedSize(shape), BFloat16{}) {
  const int64_t panel = kernel_.panel.channels();
  const int64_t inputs = shape.input_channels;
  const int64_t lane = kernel_.panel.lane_elements<BFloat16>();
  ParallelFor(shape.output_channels, panel, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t o = begin; o < end; o++) {
      BFloat16* packed = weights_.data() + o / panel * panel * inputs + o % panel * lane;
      for (int64_t c = 0; c < inputs; c++) {
        const BFloat16* filter = weight + (o * inputs + c) * 9;
        for (int point = 0; point < kPoints; point++) {
          packed[point * shape.output_channels * inputs + c / lane * panel * lane + c % lane] =
              RoundToBFloat16(TransformFilter(filter, point / kSide, point % kSide));
        }
      }
    }
  });
}

void BFloat16Winograd::Run(const ConvolutionArguments<BFloat16>& arguments,
                           Workspace& workspace) const {
  using Block = BFloat16WinogradBlock;
  const int64_t threads = ThreadCount();
  const int64_t tiles_per_row = CeilDiv(arguments.width, kBFloat16WinogradTile);
  const int64_t tiles_per_image = tiles_per_row * CeilDiv(arguments.height, kBFloat16WinogradTile);
  const int64_t tiles = tiles_per_image * arguments.batch;
  const int64_t inputs = shape_.input_channels;
  const int64_t panel = kernel_.panel.channels();
  const int64_t panels = shape_.output_channels / panel;
  const int64_t tile_bytes =
      kPoints * (inputs * static_cast<int64_t>(sizeof(BFloat16)) +
                 shape_.output_channels * static_cast<int64_t>(sizeof(float)));
  int64_t blocks = CeilDiv(tiles, std::max(kMinTiles, kMaxScratchBytes / tile_bytes));
  // Round to the nearest multiple of the thread count, so that no thread idles in the last round.
  if (blocks > threads) blocks = (blocks + threads / 2) / threads * threads;
  // Fewer blocks than threads share the output channels: splitting the tiles further would make
  // each thread read all weights for a few tiles.
  const int64_t splits = std::min(panels, CeilDiv(threads, blocks));
  const int64_t max_tiles = CeilDiv(tiles, blocks);
  const int64_t transformed_size = kPoints * Block::PointStride<BFloat16>(max_tiles, inputs);
  const int64_t products_size =
      kPoints * Block::PointStride<float>(max_tiles, CeilDiv(panels, splits) * panel);
  const int64_t work = blocks * splits;
  const int64_t workers = std::min(threads, work);
  const Scratch<BFloat16> transformed(workspace, workers * transformed_size);
  const Scratch<float> products(workspace, workers * products_size);
  const DotWeights<BFloat16> weights{
      .panels = weights_.data(), .panel = kernel_.panel, .rows = 1, .row_size = inputs};
  ParallelFor(work, 1, [&](int64_t begin, int64_t end, int64_t thread) {
    for (int64_t i = begin; i < end; i++) {
      kernel_.run_winograd_block({.arguments = arguments,
                                  .shape = shape_,
                                  .weights = weights,
                                  .tiles_per_row = tiles_per_row,
                                  .tiles_per_image = tiles_per_image,
                                  .tiles = SplitRange(tiles, i / splits, blocks),
                                  .outputs = SplitRange(panels, i % splits, splits, panel),
                                  .transformed = transformed.data() + thread * transformed_size,
                                  .products = products.data() + thread * products_size});
    }
  });
}

}  // namespace semisup::kernels
