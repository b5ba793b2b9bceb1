#pragma once
#include <napi.h>

namespace semisup {

// The k most probable classes of each row of logits, after softmax.
Napi::Value SoftmaxTopK(const Napi::CallbackInfo& info);

}  // namespace semisup
