#pragma once
#include <napi.h>

namespace semisup::augment {

// Augments decoded images, each with operations of its own, to float32 [n, 3, size, size] on the
// executor's thread.
Napi::Value AugmentImages(const Napi::CallbackInfo& info);

}  // namespace semisup::augment
