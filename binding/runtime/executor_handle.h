#pragma once
#include <napi.h>

#include "runtime/executor.h"
#include "runtime/handle.h"

namespace semisup {

template <>
struct HandleTraits<Executor> {
  static constexpr const char* kName = "Executor";
  static constexpr napi_type_tag kTag = {0x8d1f3a54c1b64e0f, 0x9b0c6f6a2d7e4f11};
};

Napi::Value CreateExecutor(const Napi::CallbackInfo& info);

}  // namespace semisup
