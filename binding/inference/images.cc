#include "inference/images.h"

#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>

#include <utility>

#include "image/batch.h"
#include "image/top_k.h"
#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/tensor.h"

namespace semisup {

Napi::Value BatchImages(const Napi::CallbackInfo& info) {
  auto [images, memory] = ReadImages(info[1].As<Napi::Array>());
  const auto spec = ReadTransform(info[2].As<Napi::Object>());
  auto work = [images = std::move(images), spec] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      const auto count = static_cast<int64_t>(images.size());
      auto batch = at::empty({count, 3, spec.crop, spec.crop}, at::kFloat);
      TransformBatch(images, spec, &Transform, batch.mutable_data_ptr<float>());
      return batch;
    });
  };
  auto result = [](Napi::Env env, at::Tensor&& batch) -> Napi::Value {
    return WrapTensor(env, std::move(batch));
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), memory}, std::move(work), result);
}

Napi::Value SoftmaxTopK(const Napi::CallbackInfo& info) {
  const auto logits = Unwrap<Tensor>(info[1]);
  const int64_t k = info[2].As<Napi::Number>().Int64Value();
  auto select = [logits, k] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      const c10::InferenceMode inference;
      const auto rows = logits->tensor.to(at::kCPU, at::kFloat).contiguous();
      return SoftmaxTopK(rows.const_data_ptr<float>(), rows.size(0), rows.size(1), k);
    });
  };
  auto result = [](Napi::Env env, TopClasses&& top) { return ToJs(env, top); };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(select), result);
}

}  // namespace semisup
