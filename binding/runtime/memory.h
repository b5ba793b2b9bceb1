#pragma once
#include <napi.h>

namespace semisup {

// The count and total size of the live native objects of this environment, by kind.
Napi::Value Memory(const Napi::CallbackInfo& info);

}  // namespace semisup
