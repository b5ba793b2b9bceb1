#include "grouped.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "threads.h"

namespace semisup::plan {
namespace {

// Few enough that the inputs of a lane stay in the first cache.
constexpr int64_t kScratchBytes = 24 << 10;

}  // namespace

bool Grouped::Takes(const Shape& shape) {
  return HasAvx512() && shape.groups > 1 && shape.Joined().group_outputs() % kLane == 0;
}

Grouped::Grouped(const float* weight, const Shape& shape)
    : shape_{shape.Joined()}, weight_(at::zeros({shape_.outputs / kLane, shape_.lane_size()})) {
  const int64_t taps = shape.kernel[0] * shape.kernel[1];
  const int64_t inputs = shape.group_inputs();
  for (int64_t o = 0; o < shape.outputs; o++) {
    const int64_t before = shape.InputOf(o) - shape_.InputOf(o);
    float* lane = weight_.data_ptr<float>() + o / kLane * shape_.lane_size() + o % kLane;
    for (int64_t c = 0; c < inputs; c++) {
      for (int64_t tap = 0; tap < taps; tap++) {
        lane[(tap * shape_.group_inputs() + before + c) * kLane] =
            weight[(o * inputs + c) * taps + tap];
      }
    }
  }
}

void Grouped::Run(const Images& images) const {
  const int64_t threads = ThreadsHere();
  const int64_t rows = images.count * images.height;
  const auto divided =
      Divide(rows, std::max<int64_t>(1, CeilOf(rows, threads)), shape_.outputs / kLane, threads);
  const int64_t shares = divided.shares;
  const int64_t row_size = (images.input_width + 2 * shape_.padding[1]) * shape_.group_inputs();
  const int64_t fitting = kScratchBytes / (row_size * static_cast<int64_t>(sizeof(float)));
  const int64_t most_rows =
      std::max<int64_t>(1, (fitting - shape_.kernel[0]) / shape_.stride[0] + 1);
  const int64_t size = ((most_rows - 1) * shape_.stride[0] + shape_.kernel[0]) * row_size;
  // Here and not on the threads, which have no arena.
  const auto scratch = at::empty({std::min(threads, divided.blocks * shares), size});
  at::parallel_for(0, divided.blocks * shares, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const GroupedBlock block{.images = images,
                               .shape = shape_,
                               .weight = weight_.const_data_ptr<float>(),
                               .most_rows = most_rows,
                               .scratch = scratch.data_ptr<float>() + at::get_thread_num() * size,
                               .rows = ShareOf(rows, i / shares, divided.blocks),
                               .lanes = ShareOf(shape_.outputs / kLane, i % shares, shares)};
#if defined(__x86_64__)
      ConvolveGroupsAvx512(block);
#endif
    }
  });
}

}  // namespace semisup::plan
