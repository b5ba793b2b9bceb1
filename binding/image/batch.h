#pragma once
#include <napi.h>

#include <cstdint>
#include <vector>

#include "image/transform.h"
#include "kernels/parallel.h"

namespace semisup {

// Decoded images of a call. They point into JS memory: keep `memory` alive while they are read.
struct ImageArguments {
  std::vector<PixelView> images;
  std::vector<Napi::Object> memory;
};

// Throws ERR_SEMISUP_OPTION_VALUE if the data of an image does not match its size.
ImageArguments ReadImages(Napi::Array array);
TransformSpec ReadTransform(Napi::Object object);

// Transforms each image into its slice of a batch of `samples`, 3 * crop * crop for each view, in
// parallel.
template <class Sample>
void TransformBatch(const std::vector<PixelView>& images, const TransformSpec& spec,
                    void (*transform)(const PixelView&, const TransformSpec&, Sample*),
                    Sample* samples) {
  const int64_t stride = CountOf(spec.views) * 3 * spec.crop * spec.crop;
  const auto count = static_cast<int64_t>(images.size());
  kernels::ParallelFor(count, /*grain=*/1, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t i = begin; i < end; i++) transform(images[i], spec, samples + i * stride);
  });
}

}  // namespace semisup
