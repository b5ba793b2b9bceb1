#include "inference/gpu_device.h"

#include <memory>
#include <string>
#include <utility>

#include "runtime/error.h"
#include "runtime/job.h"

namespace semisup {
namespace {

auto OpenWork(const Napi::CallbackInfo& info) {
  const std::string library = info[1].As<Napi::String>();
  const int index = info[2].As<Napi::Number>().Int32Value();
  return [library, index] {
    return WithCode("ERR_SEMISUP_DEVICE_FAILED", [&] { return gpu::Open(library, index); });
  };
}

Napi::Value WrapGpu(Napi::Env env, std::shared_ptr<gpu::Gpu>&& gpu) {
  return Wrap(env, std::move(gpu));
}

}  // namespace

Napi::Value OpenGpu(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, OpenWork(info), &WrapGpu);
}

Napi::Value OpenGpuSync(const Napi::CallbackInfo& info) {
  return SubmitAndWait(info.Env(), {Unwrap<Executor>(info[0])}, OpenWork(info), &WrapGpu);
}

}  // namespace semisup
