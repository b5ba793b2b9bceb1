#pragma once
#include <napi.h>

#include <memory>

#include "gpu/jpegs.h"

namespace semisup {

struct JpegsOnGpu {
  static constexpr const char* kName = "JpegsOnGpu";
  static constexpr napi_type_tag kTag = {0x71c5e83fa0d24b96, 0x84d93b0e6fa1c257};
  std::shared_ptr<gpu::Jpegs> jpegs;
};

// A GPU's decoder, by the first of some libraries of nvJPEG that can be opened.
Napi::Value OpenJpegs(const Napi::CallbackInfo& info);
// From JPEG files to a network's input tensor there, and which of them it cannot decode.
Napi::Value BatchJpegs(const Napi::CallbackInfo& info);

}  // namespace semisup
