#pragma once
#include <napi.h>

namespace semisup {

Napi::Value Topk(const Napi::CallbackInfo& info);

}  // namespace semisup
