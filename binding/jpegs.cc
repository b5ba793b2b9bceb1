#include "jpegs.h"

#include <c10/core/InferenceMode.h>

#include <string>
#include <utility>
#include <vector>

#include "batch.h"
#include "error.h"
#include "gpu_device.h"
#include "handle.h"
#include "job.h"
#include "tensor.h"

namespace semisup {

Napi::Value OpenJpegs(const Napi::CallbackInfo& info) {
  const auto gpu = Unwrap<GpuDevice>(info[1])->gpu;
  const auto names = info[2].As<Napi::Array>();
  std::vector<std::string> libraries;
  for (uint32_t i = 0; i < names.Length(); i++) {
    libraries.push_back(names.Get(i).As<Napi::String>());
  }
  auto open = [gpu, libraries] {
    return WithCode("ERR_SEMISUP_DEVICE_FAILED",
                    [&] { return std::make_shared<gpu::Jpegs>(gpu, libraries); });
  };
  auto result = [](Napi::Env env, std::shared_ptr<gpu::Jpegs>&& jpegs) -> Napi::Value {
    return Wrap(env, std::make_shared<JpegsOnGpu>(JpegsOnGpu{std::move(jpegs)}));
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(open), result);
}

Napi::Value BatchJpegs(const Napi::CallbackInfo& info) {
  const auto jpegs = Unwrap<JpegsOnGpu>(info[1])->jpegs;
  const auto array = info[2].As<Napi::Array>();
  const auto transform = ReadTransform(info[3].As<Napi::Object>());
  std::vector<gpu::Encoded> files;
  std::vector<Napi::Object> memory;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const auto bytes = array.Get(i).As<Napi::Uint8Array>();
    files.push_back({bytes.Data(), bytes.ByteLength()});
    memory.push_back(bytes);
  }
  auto batch = [jpegs, files = std::move(files), transform] {
    return WithCode("ERR_SEMISUP_DEVICE_FAILED", [&] {
      const c10::InferenceMode inference;
      return jpegs->Transform(files, transform.resize, transform.crop);
    });
  };
  auto result = [](Napi::Env env, gpu::Crops&& crops) -> Napi::Value {
    auto answer = Napi::Object::New(env);
    if (crops.images.defined()) answer.Set("images", WrapTensor(env, std::move(crops.images)));
    auto failed = Napi::Array::New(env, crops.failed.size());
    for (uint32_t i = 0; i < crops.failed.size(); i++) {
      failed.Set(i, static_cast<double>(crops.failed[i]));
    }
    answer.Set("failed", failed);
    return answer;
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), memory}, std::move(batch), result);
}

}  // namespace semisup
