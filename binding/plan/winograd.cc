#include "winograd.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "winograd_kernels.h"

namespace semisup::plan {
namespace {

constexpr int64_t kTile = 4;
// Tiles at a time: so many that a weight that is read is used often, so few that they stay in the
// second cache.
constexpr int64_t kScratchBytes = 768 << 10;
constexpr int64_t kFewestTiles = 24;

// The kernel transform G of Lavin and Gray, for the points 0, 1, -1, 2, -2 and infinity.
constexpr double kKernel[6][3] = {{1 / 4., 0, 0},
                                  {-1 / 6., -1 / 6., -1 / 6.},
                                  {-1 / 6., 1 / 6., -1 / 6.},
                                  {1 / 24., 1 / 12., 1 / 6.},
                                  {1 / 24., -1 / 12., 1 / 6.},
                                  {0, 0, 1}};

void TransformKernel(const float* kernel, double (&transformed)[6][6]) {
  double half[6][3];
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 3; j++) {
      half[i][j] = 0;
      for (int k = 0; k < 3; k++) half[i][j] += kKernel[i][k] * kernel[k * 3 + j];
    }
  }
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) {
      transformed[i][j] = 0;
      for (int k = 0; k < 3; k++) transformed[i][j] += half[i][k] * kKernel[j][k];
    }
  }
}

bool HasAvx512() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

}  // namespace

bool Winograd::Takes(int64_t inputs, int64_t outputs) {
  static const bool has_kernels = HasAvx512();
  return has_kernels && inputs % 16 == 0 && outputs % kPanel == 0;
}

Winograd::Winograd(const float* weight, int64_t inputs, int64_t outputs)
    : inputs_(inputs), outputs_(outputs), weight_(kPoints * inputs * outputs) {
  at::parallel_for(0, outputs, 16, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; o++) {
      for (int64_t c = 0; c < inputs; c++) {
        double transformed[6][6];
        TransformKernel(weight + (o * inputs + c) * 9, transformed);
        for (int point = 0; point < kPoints; point++) {
          const int64_t panel = (point * outputs + o / kPanel * kPanel) * inputs;
          weight_[panel + c * kPanel + o % kPanel] =
              static_cast<float>(transformed[point / 6][point % 6]);
        }
      }
    }
  });
}

void Winograd::Run(const Images& images) const {
  const int64_t across = (images.width + kTile - 1) / kTile;
  const int64_t per_image = across * ((images.height + kTile - 1) / kTile);
  const int64_t tiles = per_image * images.count;
  const int64_t fitting =
      kScratchBytes / static_cast<int64_t>(kPoints * sizeof(float) * (inputs_ + outputs_));
  // As many blocks as threads at least, of like size.
  const int64_t most = std::min(std::max(kFewestTiles, fitting),
                                (tiles + at::get_num_threads() - 1) / at::get_num_threads());
  const int64_t blocks = (tiles + most - 1) / most;
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    const int64_t size = (tiles + blocks - 1) / blocks;
    const auto scratch = at::empty({kPoints * size * (inputs_ + outputs_)});
    auto* transformed = scratch.data_ptr<float>();
    for (int64_t i = begin; i < end; i++) {
      const int64_t first = i * tiles / blocks;
      const TileBlock block{.images = images,
                            .weight = weight_.data(),
                            .inputs = inputs_,
                            .outputs = outputs_,
                            .tiles_across = across,
                            .tiles_per_image = per_image,
                            .first = first,
                            .count = (i + 1) * tiles / blocks - first,
                            .transformed = transformed,
                            .products = transformed + kPoints * size * inputs_};
#if defined(__x86_64__)
      ConvolveTilesAvx512(block);
#endif
    }
  });
}

}  // namespace semisup::plan
