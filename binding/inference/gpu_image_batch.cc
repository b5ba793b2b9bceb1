#include "inference/gpu_image_batch.h"

#include <cstdint>
#include <utility>

#include "image/batch.h"
#include "inference/gpu_device.h"
#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/tensor.h"

namespace semisup {

Napi::Value BatchImagesForGpu(const Napi::CallbackInfo& info) {
  auto [images, memory] = ReadImages(info[1].As<Napi::Array>());
  const auto spec = ReadTransform(info[2].As<Napi::Object>());
  const auto gpu = Unwrap<gpu::Gpu>(info[3]);
  auto work = [images = std::move(images), spec, gpu] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      const auto count = static_cast<int64_t>(images.size()) * CountOf(spec.views);
      auto batch = gpu->AllocatePinned({count, spec.crop, spec.crop, 3});
      TransformBatch(images, spec, &TransformToBytes, batch.mutable_data_ptr<uint8_t>());
      return batch;
    });
  };
  auto result = [](Napi::Env env, at::Tensor&& batch) -> Napi::Value {
    return WrapTensor(env, std::move(batch));
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), memory}, std::move(work), result);
}

}  // namespace semisup
