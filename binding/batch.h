#pragma once
#include <napi.h>

namespace semisup {

// From decoded images to a network's input tensor, on the executor's thread.
Napi::Value BatchImages(const Napi::CallbackInfo& info);

}  // namespace semisup
