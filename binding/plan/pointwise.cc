#include "pointwise.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "pointwise_kernels.h"
#include "processor.h"
#include "threads.h"

namespace semisup::plan {

bool Pointwise::Takes(const Shape& shape) {
  return shape.kernel == Sides{1, 1} && !shape.is_padded() && shape.groups == 1 &&
         Takes(shape.outputs);
}

bool Pointwise::Takes(int64_t outputs) { return HasAvx512() && outputs % kPointwisePanel == 0; }

Pointwise::Pointwise(const float* weight, int64_t inputs, int64_t outputs)
    : inputs_(inputs), outputs_(outputs), weight_(at::empty({inputs * outputs})) {
  at::parallel_for(0, outputs / kPointwisePanel, 1, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin * kPointwisePanel; o < end * kPointwisePanel; o++) {
      float* column = weight_.data_ptr<float>() + o / kPointwisePanel * kPointwisePanel * inputs_ +
                      o % kPointwisePanel;
      for (int64_t c = 0; c < inputs_; c++) column[c * kPointwisePanel] = weight[o * inputs_ + c];
    }
  });
}

void Pointwise::Halve() { weight_ = weight_.to(at::kBFloat16); }

void Pointwise::Run(const Images& images) const {
  if (weight_.scalar_type() == at::kFloat) return Run(images, weight_.const_data_ptr<float>());
  Run(images, static_cast<const BFloat16*>(weight_.const_data_ptr()));
}

template <class Weight>
void Pointwise::Run(const Images& images, const Weight* weight) const {
  const int64_t threads = ThreadsHere();
  const int64_t pixels = images.count * images.height * images.width;
  const int64_t fitting = FittingPixels(inputs_ * static_cast<int64_t>(sizeof(float)));
  const int64_t panels = outputs_ / kPointwisePanel;
  const auto divided = Divide(pixels, fitting, panels, threads);
  const int64_t blocks = divided.blocks;
  const int64_t shares = divided.shares;
  at::parallel_for(0, blocks * shares, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const PixelBlock<Weight> block{.images = images,
                                     .weight = weight,
                                     .inputs = inputs_,
                                     .outputs = outputs_,
                                     .pixels = ShareOf(pixels, i / shares, blocks),
                                     .part = ShareOf(panels, i % shares, shares, kPointwisePanel)};
#if defined(__x86_64__)
      MultiplyPixelsAvx512(block);
#endif
    }
  });
}

}  // namespace semisup::plan
