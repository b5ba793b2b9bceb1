#include "topk.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>
#include <c10/core/InferenceMode.h>

#include <cstring>

#include "error.h"
#include "handle.h"
#include "job.h"
#include "tensor.h"

namespace semisup {
namespace {

template <class Array>
Array CopyOut(Napi::Env env, const at::Tensor& tensor) {
  auto array = Array::New(env, tensor.numel());
  if (tensor.numel() > 0) std::memcpy(array.Data(), tensor.const_data_ptr(), tensor.nbytes());
  return array;
}

}  // namespace

Napi::Value Topk(const Napi::CallbackInfo& info) {
  struct Best {
    at::Tensor indices;
    at::Tensor scores;
  };
  const auto logits = Unwrap<Tensor>(info[1]);
  const int64_t k = info[2].As<Napi::Number>().Int64Value();

  auto pick = [logits, k] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      const c10::InferenceMode inference;
      const auto [scores, indices] = at::softmax(logits->tensor, -1, at::kFloat).topk(k, -1);
      return Best{indices.to(at::kCPU, at::kInt), scores.to(at::kCPU)};
    });
  };
  auto result = [](Napi::Env env, Best&& best) -> Napi::Value {
    auto answer = Napi::Object::New(env);
    answer.Set("indices", CopyOut<Napi::Int32Array>(env, best.indices.contiguous()));
    answer.Set("scores", CopyOut<Napi::Float32Array>(env, best.scores.contiguous()));
    return answer;
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(pick), result);
}

}  // namespace semisup
