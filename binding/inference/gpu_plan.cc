#include "inference/gpu_plan.h"

#include <c10/core/InferenceMode.h>

#include <memory>
#include <string>
#include <utility>

#include "gpu/gpu_plan.h"
#include "gpu/network.h"
#include "image/batch.h"
#include "inference/comparison.h"
#include "inference/gpu_device.h"
#include "inference/plan_result.h"
#include "program/numerics.h"
#include "program/program.h"
#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/script_module_handle.h"
#include "script/tensor.h"

namespace semisup {
namespace {

Napi::Value ToJs(Napi::Env env, PlanResult<gpu::LaunchConfig>&& planned) {
  auto result = Napi::Object::New(env);
  if (!planned.reason.empty()) {
    result.Set("reason", planned.reason);
    return result;
  }
  const auto& config = planned.value;
  result.Set("isGraph", config.is_graph);
  result.Set("isFused", config.is_fused);
  result.Set("milliseconds", config.batch_ms);
  if (!config.failures.empty()) result.Set("failures", config.failures);
  return result;
}

}  // namespace

Napi::Value PlanOnGpu(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto gpu = Unwrap<gpu::Gpu>(info[3]);
  const auto precision = program::PrecisionFromName(info[4].As<Napi::String>());
  const auto images = TensorOf(info[5]);
  const auto transform = ReadTransform(info[6].As<Napi::Object>());
  const gpu::Normalization normalization{transform.mean, transform.std};
  const auto executor = Unwrap<Executor>(info[0]);
  auto make_plan = [=] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      PlanResult<gpu::LaunchConfig> result;
      try {
        auto network = std::make_shared<gpu::Network>(program::Compile(module->module, method),
                                                      gpu->device(), precision, normalization);
        const auto plan = std::make_shared<gpu::GpuPlan>(gpu, std::move(network), normalization,
                                                         static_cast<int>(executor->instances()));
        const auto script_method = module->module.get_method(method);
        const auto difference =
            CompareWithTorchScript(*plan, script_method, images.narrow(0, 0, 1));
        // Negated, so that NaN fails too.
        if (!(difference <= plan->tolerance())) {
          result.reason = "its results on " + gpu->device().str() + " differ from those on the CPU";
          return result;
        }
        result.value = plan->launch_configs().at(0);
        module->plans.Set(method, plan);
      } catch (const program::UnsupportedGraph& unsupported) {
        result.reason = unsupported.what();
      }
      return result;
    });
  };
  return Submit(info.Env(), {executor}, std::move(make_plan), &ToJs);
}

}  // namespace semisup
