#pragma once
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <cstdint>
#include <vector>

#include "image/transform.h"

namespace semisup {

// Decoded images of a call. They point into JS memory: keep `memory` alive while they are read.
struct ImageArguments {
  std::vector<PixelView> images;
  std::vector<Napi::Object> memory;
};

// Throws ERR_SEMISUP_OPTION_VALUE if the data of an image does not match its size.
ImageArguments ReadImages(Napi::Array array);
TransformSpec ReadTransform(Napi::Object object);

// Transforms each image into its slice of `batch`, in parallel on LibTorch's intra-op threads.
template <class Sample>
void TransformBatch(const std::vector<PixelView>& images, const TransformSpec& spec,
                    void (*transform)(const PixelView&, const TransformSpec&, Sample*),
                    at::Tensor& batch) {
  const auto count = static_cast<int64_t>(images.size());
  if (count == 0) return;
  auto* samples = batch.mutable_data_ptr<Sample>();
  const int64_t stride = batch.numel() / count;
  at::parallel_for(0, count, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) transform(images[i], spec, samples + i * stride);
  });
}

// Transforms decoded images into float32 [n, 3, crop, crop] on the executor's thread.
Napi::Value BatchImages(const Napi::CallbackInfo& info);

}  // namespace semisup
