#include "inference/softmax_top_k.h"

#include <c10/core/InferenceMode.h>

#include <utility>

#include "image/top_k.h"
#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/tensor.h"

namespace semisup {

Napi::Value SoftmaxTopK(const Napi::CallbackInfo& info) {
  const auto logits = TensorOf(info[1]);
  const int64_t k = info[2].As<Napi::Number>().Int64Value();
  auto select = [logits, k, temperatures = ReadTemperatures(info[3])] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      const c10::InferenceMode inference;
      const auto rows = logits.to(at::kCPU, at::kFloat).contiguous();
      return SoftmaxTopK(rows.const_data_ptr<float>(), rows.size(0), rows.size(1), k, temperatures);
    });
  };
  auto result = [](Napi::Env env, TopClasses&& top) { return ToJs(env, top); };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(select), result);
}

}  // namespace semisup
