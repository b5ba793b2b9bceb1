#include "image/batch_images.h"

#include <utility>

#include "image/batch.h"
#include "runtime/error.h"
#include "runtime/job.h"
#include "tensor/host_tensor.h"

namespace semisup {

Napi::Value BatchImages(const Napi::CallbackInfo& info) {
  auto [images, memory] = ReadImages(info[1].As<Napi::Array>());
  const auto spec = ReadTransform(info[2].As<Napi::Object>());
  auto work = [images = std::move(images), spec] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      const auto count = static_cast<int64_t>(images.size()) * CountOf(spec.views);
      auto batch = HostTensor::Empty(ElementType::kFloat32, {count, 3, spec.crop, spec.crop});
      TransformBatch(images, spec, &Transform, static_cast<float*>(batch.memory.get()));
      return batch;
    });
  };
  auto result = [](Napi::Env env, HostTensor&& batch) -> Napi::Value {
    return WrapTensor(env, std::move(batch));
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), memory}, std::move(work), result);
}

}  // namespace semisup
