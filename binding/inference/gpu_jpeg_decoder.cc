#include "inference/gpu_jpeg_decoder.h"

#include <c10/core/InferenceMode.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "image/batch.h"
#include "inference/gpu_device.h"
#include "runtime/error.h"
#include "runtime/job.h"
#include "script/tensor.h"

namespace semisup {

Napi::Value OpenJpegDecoder(const Napi::CallbackInfo& info) {
  const auto gpu = Unwrap<gpu::Gpu>(info[1]);
  const auto names = info[2].As<Napi::Array>();
  std::vector<std::string> libraries;
  for (uint32_t i = 0; i < names.Length(); i++) {
    libraries.push_back(names.Get(i).As<Napi::String>());
  }
  auto open = [gpu, libraries] {
    return WithCode("ERR_SEMISUP_DEVICE_FAILED",
                    [&] { return std::make_shared<gpu::JpegPipeline>(gpu, libraries); });
  };
  auto result = [](Napi::Env env, std::shared_ptr<gpu::JpegPipeline>&& pipeline) -> Napi::Value {
    return Wrap(env, std::move(pipeline));
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(open), result);
}

Napi::Value DecodeJpegs(const Napi::CallbackInfo& info) {
  const auto pipeline = Unwrap<gpu::JpegPipeline>(info[1]);
  const auto array = info[2].As<Napi::Array>();
  const auto transform = ReadTransform(info[3].As<Napi::Object>());
  std::vector<gpu::EncodedImage> files;
  std::vector<Napi::Object> memory;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const auto bytes = array.Get(i).As<Napi::Uint8Array>();
    files.push_back({bytes.Data(), bytes.ByteLength()});
    memory.push_back(bytes);
  }
  auto decode = [pipeline, files = std::move(files), transform] {
    return WithCode("ERR_SEMISUP_DEVICE_FAILED", [&] {
      const c10::InferenceMode inference;
      return pipeline->Decode(files, transform.resize, transform.crop, transform.views);
    });
  };
  auto to_js = [](Napi::Env env, gpu::CroppedJpegs&& crops) -> Napi::Value {
    auto result = Napi::Object::New(env);
    if (crops.images.defined()) result.Set("images", WrapTensor(env, std::move(crops.images)));
    auto failed = Napi::Array::New(env, crops.failed.size());
    for (uint32_t i = 0; i < crops.failed.size(); i++) {
      failed.Set(i, static_cast<double>(crops.failed[i]));
    }
    result.Set("failed", failed);
    return result;
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), memory}, std::move(decode), to_js);
}

}  // namespace semisup
