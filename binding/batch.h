#pragma once
#include <napi.h>

#include "transform.h"

namespace semisup {

// From decoded images to a network's input tensor, on the executor's thread.
TransformSpec ReadTransform(Napi::Object object);

Napi::Value BatchImages(const Napi::CallbackInfo& info);

}  // namespace semisup
