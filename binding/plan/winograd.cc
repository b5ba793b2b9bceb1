#include "winograd.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "processor.h"
#include "threads.h"

namespace semisup::plan {
namespace {

// Tiles at a time: so many that a weight that is read is used often, so few that they stay in the
// second cache. The few weights of a small group need not be used as often.
constexpr int64_t kMostScratchBytes = 768 << 10;
constexpr int64_t kScratchOfWeights = 8;
constexpr int64_t kFewestTiles = 24;

// The kernel transforms G of Lavin and Gray, for the points 0, 1, -1, 2, -2 and infinity.
constexpr double kKernelOf4[6][3] = {{1 / 4., 0, 0},
                                     {-1 / 6., -1 / 6., -1 / 6.},
                                     {-1 / 6., 1 / 6., -1 / 6.},
                                     {1 / 24., 1 / 12., 1 / 6.},
                                     {1 / 24., -1 / 12., 1 / 6.},
                                     {0, 0, 1}};
// And for 0, 1, -1 and infinity.
constexpr double kKernelOf2[4][3] = {
    {1, 0, 0}, {1 / 2., 1 / 2., 1 / 2.}, {1 / 2., -1 / 2., 1 / 2.}, {0, 0, 1}};

// What a kernel's rows are multiplied by beforehand.
constexpr double kRowsOf4[3] = {1 / 12., 1 / 6., 1 / 6.};
constexpr double kRowsOf2[3] = {1 / 4., 1 / 2., 1 / 2.};

// Of G k G' here only k G': the rest is done where the weights are used, so that half as many are
// read and kept.
template <int side>
void TransformWeight(const double (&transform)[side][3], const double (&factors)[3],
                     const float* weight, const Shape& given, const WinogradShape& shape,
                     float* to) {
  const int64_t inputs = given.group_inputs();
  const int64_t panel = shape.panel();
  at::parallel_for(0, shape.outputs, kLane, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; o++) {
      const int64_t before = given.InputOf(o) - shape.InputOf(o);
      float* column = to + shape.PanelAt(0, o / panel * panel) + before * 3 * panel + o % panel;
      const int64_t step = shape.PanelAt(1, o) - shape.PanelAt(0, o);
      for (int64_t c = 0; c < inputs; c++) {
        const float* kernel = weight + (o * inputs + c) * 9;
        for (int j = 0; j < side; j++) {
          for (int i = 0; i < 3; i++) {
            double sum = 0;
            for (int x = 0; x < 3; x++) sum += transform[j][x] * kernel[i * 3 + x];
            column[j * step + (c * 3 + i) * panel] = static_cast<float>(factors[i] * sum);
          }
        }
      }
    }
  });
}

}  // namespace

bool Winograd::Takes(const Shape& shape) {
  const auto joined = shape.Joined();
  return HasAvx512() && shape.kernel == Sides{3, 3} && shape.stride == Sides{1, 1} &&
         shape.padding == Sides{1, 1} && joined.group_inputs() % kLane == 0 &&
         joined.group_outputs() % kLane == 0;
}

Winograd::Winograd(const float* weight, const Shape& shape, int tile)
    : shape_{shape.Joined(), tile}, weight_(at::zeros({shape_.weights()})) {
  if (tile == 4) {
    TransformWeight(kKernelOf4, kRowsOf4, weight, shape, shape_, weight_.data_ptr<float>());
  } else {
    TransformWeight(kKernelOf2, kRowsOf2, weight, shape, shape_, weight_.data_ptr<float>());
  }
}

void Winograd::Run(const Images& images) const {
  const int64_t threads = ThreadsHere();
  const int64_t across = CeilOf(images.width, shape_.tile);
  const int64_t per_image = across * CeilOf(images.height, shape_.tile);
  const int64_t tiles = per_image * images.count;
  const int64_t panels = shape_.outputs / shape_.panel();
  const int64_t points_bytes = shape_.points() * static_cast<int64_t>(sizeof(float));
  const int64_t weights_bytes =
      shape_.weights() / shape_.groups * static_cast<int64_t>(sizeof(float));
  const int64_t fitting = std::min(kMostScratchBytes, kScratchOfWeights * weights_bytes) /
                          (points_bytes * (shape_.group_inputs() + shape_.group_outputs()));
  int64_t blocks = CeilOf(tiles, std::max(kFewestTiles, fitting));
  if (blocks > threads) blocks = (blocks + threads / 2) / threads * threads;
  // Groups have nothing in common, so each is done alone. Otherwise threads share the outputs where
  // there are too few tiles for all of them: each would read all weights for a few tiles.
  const int64_t shares =
      shape_.groups > 1 ? shape_.groups : std::min(panels, CeilOf(threads, blocks));
  const Slice most_tiles{0, CeilOf(tiles, blocks)};
  const Slice most_outputs{0, CeilOf(panels, shares) * shape_.panel()};
  const int64_t inputs_size = shape_.points() * StepOf(most_tiles, {0, shape_.group_inputs()});
  const int64_t size = inputs_size + shape_.points() * StepOf(most_tiles, most_outputs);
  // Here and not on the threads, which have no arena.
  const auto scratch = at::empty({std::min(threads, blocks * shares), size});
  at::parallel_for(0, blocks * shares, 1, [&](int64_t begin, int64_t end) {
    auto* transformed = scratch.data_ptr<float>() + at::get_thread_num() * size;
    for (int64_t i = begin; i < end; i++) {
      const auto outputs = ShareOf(panels, i % shares, shares, shape_.panel());
      const TileBlock block{.images = images,
                            .shape = shape_,
                            .weight = weight_.const_data_ptr<float>(),
                            .tiles_across = across,
                            .tiles_per_image = per_image,
                            .tiles = ShareOf(tiles, i / shares, blocks),
                            .inputs = {shape_.InputOf(outputs.first), shape_.group_inputs()},
                            .outputs = outputs,
                            .transformed = transformed,
                            .products = transformed + inputs_size};
#if defined(__x86_64__)
      ConvolveTilesAvx512(block);
#endif
    }
  });
}

}  // namespace semisup::plan
