#pragma once
#include <napi.h>

namespace semisup {

// Transforms the views of decoded images into float32 [n * views, 3, crop, crop], those of an image
// one after another, on the executor's thread.
Napi::Value BatchImages(const Napi::CallbackInfo& info);

}  // namespace semisup
