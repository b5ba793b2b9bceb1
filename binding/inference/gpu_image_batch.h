#pragma once
#include <napi.h>

namespace semisup {

// Resizes and crops decoded images into uint8 [n, crop, crop, 3] in pinned memory, on the
// executor's thread. The GPU normalizes them.
Napi::Value BatchImagesForGpu(const Napi::CallbackInfo& info);

}  // namespace semisup
