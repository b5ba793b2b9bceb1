#pragma once
#include <napi.h>

namespace semisup {

// Computes a heat map of a class from the gradients at a layer of a module.
Napi::Value GradCam(const Napi::CallbackInfo& info);

}  // namespace semisup
