#pragma once
#include <napi.h>

#include "gpu/jpeg_pipeline.h"
#include "runtime/handle.h"

namespace semisup {

template <>
struct HandleTraits<gpu::JpegPipeline> {
  static constexpr const char* kName = "GpuJpegDecoder";
  static constexpr napi_type_tag kTag = {0x71c5e83fa0d24b96, 0x84d93b0e6fa1c257};
};

// Opens nvJPEG on a GPU, from the first of a list of libraries that loads.
Napi::Value OpenJpegDecoder(const Napi::CallbackInfo& info);
// Decodes, resizes and crops JPEG files on the GPU; reports the files that it cannot decode.
Napi::Value DecodeJpegs(const Napi::CallbackInfo& info);

}  // namespace semisup
