#pragma once
#include <napi.h>

namespace semisup {

// The number and bytes of this environment's live native objects, by kind.
Napi::Value Memory(const Napi::CallbackInfo& info);

}  // namespace semisup
