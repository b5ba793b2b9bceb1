#include "image/top_k.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>
#include <c10/core/InferenceMode.h>

#include <cstring>
#include <utility>

#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/tensor.h"

namespace semisup {
namespace {

// Copies a tensor into an array that V8 owns.
template <class Array>
Array ToTypedArray(Napi::Env env, const at::Tensor& tensor) {
  auto array = Array::New(env, tensor.numel());
  if (tensor.numel() > 0) std::memcpy(array.Data(), tensor.const_data_ptr(), tensor.nbytes());
  return array;
}

}  // namespace

Napi::Value SoftmaxTopK(const Napi::CallbackInfo& info) {
  struct TopClasses {
    at::Tensor indices;
    at::Tensor probabilities;
  };
  const auto logits = Unwrap<Tensor>(info[1]);
  const int64_t k = info[2].As<Napi::Number>().Int64Value();

  auto select = [logits, k] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      const c10::InferenceMode inference;
      const auto [probabilities, indices] = at::softmax(logits->tensor, -1, at::kFloat).topk(k, -1);
      return TopClasses{indices.to(at::kCPU, at::kInt), probabilities.to(at::kCPU)};
    });
  };
  auto result = [](Napi::Env env, TopClasses&& top) -> Napi::Value {
    auto result = Napi::Object::New(env);
    result.Set("indices", ToTypedArray<Napi::Int32Array>(env, top.indices.contiguous()));
    result.Set("probabilities",
               ToTypedArray<Napi::Float32Array>(env, top.probabilities.contiguous()));
    return result;
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(select), result);
}

}  // namespace semisup
