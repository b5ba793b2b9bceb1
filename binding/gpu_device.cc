#include "gpu_device.h"

#include <c10/core/InferenceMode.h>

#include <string>
#include <utility>

#include "batch.h"
#include "error.h"
#include "gpu/engine.h"
#include "handle.h"
#include "job.h"
#include "planned.h"
#include "script_module.h"
#include "tensor.h"

namespace semisup {
namespace {

gpu::Arithmetic ArithmeticOf(const std::string& precision) {
  if (precision == "float16") return {at::kHalf, false};
  if (precision == "bfloat16") return {at::kBFloat16, false};
  return {at::kFloat, precision == "tf32"};
}

Napi::Value ToJs(Napi::Env env, Outcome<gpu::Launch>&& outcome) {
  auto answer = Napi::Object::New(env);
  if (!outcome.reason.empty()) {
    answer.Set("reason", outcome.reason);
    return answer;
  }
  const auto& launch = outcome.value;
  answer.Set("isGraph", launch.is_graph);
  answer.Set("isFused", launch.is_fused);
  answer.Set("milliseconds", launch.milliseconds);
  if (!launch.reason.empty()) answer.Set("failed", launch.reason);
  return answer;
}

auto Opening(const Napi::CallbackInfo& info) {
  const std::string library = info[1].As<Napi::String>();
  const int index = info[2].As<Napi::Number>().Int32Value();
  return [library, index] {
    return WithCode("ERR_SEMISUP_DEVICE_FAILED", [&] { return gpu::Open(library, index); });
  };
}

Napi::Value WrapGpu(Napi::Env env, std::shared_ptr<gpu::Gpu>&& gpu) {
  return Wrap(env, std::make_shared<GpuDevice>(GpuDevice{std::move(gpu)}));
}

}  // namespace

Napi::Value OpenGpu(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, Opening(info), &WrapGpu);
}

Napi::Value OpenGpuSync(const Napi::CallbackInfo& info) {
  return SubmitAndWait(info.Env(), {Unwrap<Executor>(info[0])}, Opening(info), &WrapGpu);
}

Napi::Value PlanOnGpu(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto gpu = Unwrap<GpuDevice>(info[3])->gpu;
  const auto arithmetic = ArithmeticOf(info[4].As<Napi::String>());
  const auto images = Unwrap<Tensor>(info[5])->tensor;
  const auto transform = ReadTransform(info[6].As<Napi::Object>());
  const gpu::Normalisation normalisation{transform.mean, transform.std};
  const auto executor = Unwrap<Executor>(info[0]);
  auto make = [=] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      Outcome<gpu::Launch> outcome;
      try {
        auto network = std::make_shared<gpu::Network>(plan::Compile(module->module, method),
                                                      gpu->device(), arithmetic, normalisation);
        const auto engine = std::make_shared<gpu::Engine>(gpu, std::move(network), normalisation,
                                                          static_cast<int>(executor->instances()));
        const auto method_itself = module->module.get_method(method);
        const auto difference = DifferenceOf(*engine, method_itself, images.narrow(0, 0, 1));
        // So that what is no number is wrong too.
        if (!(difference <= engine->tolerance())) {
          outcome.reason = "it gives other numbers on " + gpu->device().str() + " than on the CPU";
          return outcome;
        }
        outcome.value = engine->launches().at(0);
        module->plans.Set(method, engine);
      } catch (const plan::Unplannable& unplannable) {
        outcome.reason = unplannable.what();
      }
      return outcome;
    });
  };
  return Submit(info.Env(), {executor}, std::move(make), &ToJs);
}

}  // namespace semisup
