#pragma once
#include <napi.h>

namespace semisup {

// The most probable classes of logits [n, classes].
Napi::Value SoftmaxTopK(const Napi::CallbackInfo& info);

}  // namespace semisup
