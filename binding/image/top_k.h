#pragma once
#include <napi.h>

namespace semisup {

// Softmax and top-k of logits.
Napi::Value TopK(const Napi::CallbackInfo& info);

}  // namespace semisup
