#pragma once
#include <napi.h>

namespace semisup {

// Transforms decoded images into float32 [n, 3, crop, crop] on the executor's thread.
Napi::Value BatchImages(const Napi::CallbackInfo& info);

}  // namespace semisup
