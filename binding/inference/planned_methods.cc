#include "inference/planned_methods.h"

#include <c10/core/InferenceMode.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "inference/comparison.h"
#include "inference/plan_choices.h"
#include "inference/plan_result.h"
#include "plan/plan.h"
#include "plan/precision_support.h"
#include "program/numerics.h"
#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "runtime/network_arena.h"
#include "script/script_module_handle.h"
#include "script/tensor.h"

namespace semisup {
namespace {

using Tuning = std::pair<plan::PlanChoices, plan::Measurements>;

void SetValue(Napi::Object result, const std::string& signature) {
  result.Set("signature", signature);
}

// PlanTuning of src/torch/native.ts.
void SetValue(Napi::Object result, const Tuning& tuning) {
  const auto& [choices, measurements] = tuning;
  result.Set("choices", ChoicesToJs(result.Env(), choices));
  result.Set("measured", MeasurementsToJs(result.Env(), measurements));
}

template <class T>
Napi::Value ToJs(Napi::Env env, PlanResult<T>&& plan) {
  auto result = Napi::Object::New(env);
  if (plan.reason.empty()) {
    SetValue(result, plan.value);
  } else {
    result.Set("reason", plan.reason);
  }
  return result;
}

Napi::Value ToNumber(Napi::Env env, double&& number) { return Napi::Number::New(env, number); }

template <class PlanType>
std::shared_ptr<PlanType> FindPlan(const ScriptModule& module, const std::string& method) {
  auto plan = std::dynamic_pointer_cast<PlanType>(module.plans.Find(method));
  if (!plan) throw Error("ERR_SEMISUP_SCRIPT", "The method " + method + "() has no plan.");
  return plan;
}

}  // namespace

Napi::Value PlanOnCpu(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto precision = program::PrecisionFromName(info[3].As<Napi::String>());
  const auto images = info[4].IsUndefined() ? at::Tensor() : TensorOf(info[4]);
  const auto executor = Unwrap<Executor>(info[0]);
  const auto arena = CreateArena(info.Env(), *executor);
  auto make_plan = [module, method, precision, images, arena] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      PlanResult<std::string> result;
      using program::ComputePrecision;
      result.reason = plan::ReasonAgainst(precision);
      if (!result.reason.empty()) return result;
      try {
        auto plan = std::make_shared<plan::Plan>(module->module, method, precision, arena);
        if (precision == ComputePrecision::kInt8) plan->Quantize(images);
        result.value = plan->signature();
        module->plans.Set(method, std::move(plan));
      } catch (const program::UnsupportedGraph& unsupported) {
        result.reason = unsupported.what();
      }
      return result;
    });
  };
  return Submit(info.Env(), {executor}, std::move(make_plan), &ToJs<std::string>);
}

Napi::Value SelectAlgorithms(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto choices = ReadChoices(info[3].As<Napi::Object>());
  auto select = [module, method, choices] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      FindPlan<plan::Plan>(*module, method)->ApplyChoices(choices);
      return std::monostate{};
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(select), &ToUndefined);
}

Napi::Value TunePlan(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto images = TensorOf(info[3]);
  const double seconds = info[4].As<Napi::Number>().DoubleValue();
  auto tune = [module, method, images, seconds] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      const auto plan = FindPlan<plan::Plan>(*module, method);
      PlanResult<Tuning> result{"", plan->Tune(images.narrow(0, 0, 1), seconds)};
      const auto difference =
          CompareWithTorchScript(*plan, module->module.get_method(method), images);
      // Negated, so that NaN fails too.
      if (!(difference <= plan->tolerance())) {
        module->plans.Set(method, nullptr);
        result.reason = "its results differ from those of TorchScript";
      }
      return result;
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(tune), &ToJs<Tuning>);
}

Napi::Value ComparePlan(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto images = TensorOf(info[3]);
  auto compare = [module, method, images] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      return CompareWithTorchScript(*FindPlan<PlannedMethod>(*module, method),
                                    module->module.get_method(method), images);
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(compare), &ToNumber);
}

}  // namespace semisup
