#include "inference/planned_methods.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "inference/plan_result.h"
#include "plan/arena.h"
#include "plan/plan.h"
#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/script_module_handle.h"
#include "script/tensor.h"

namespace semisup {
namespace {

constexpr const char* kArenaUsage = "Arena";

bool HasBFloat16() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return true;
#endif
}

using Tuning = std::pair<plan::Choices, plan::Measured>;

void SetValue(Napi::Object result, const std::string& signature) {
  result.Set("signature", signature);
}

void SetValue(Napi::Object result, const Tuning& tuning) {
  const auto& [found, times] = tuning;
  auto choices = Napi::Object::New(result.Env());
  choices.Set("alone", found.alone);
  choices.Set("part", found.part);
  choices.Set("partSize", static_cast<double>(found.part_size));
  result.Set("choices", choices);
  auto measured = Napi::Object::New(result.Env());
  measured.Set("alone", times.alone);
  auto parts = Napi::Object::New(result.Env());
  for (const auto& [size, rate] : times.parts) parts.Set(std::to_string(size), rate);
  measured.Set("parts", parts);
  result.Set("measured", measured);
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

double DifferenceOf(PlannedMethod& plan, const torch::jit::Method& method,
                    const at::Tensor& images) {
  const auto wanted = method({plan.ToInterpreterInput(images)}).toTensor();
  const auto difference = [&](int64_t count) {
    const auto rows = at::arange(count).remainder(images.size(0));
    const auto given = plan.Run(images.index_select(0, rows)).cpu();
    const auto expected = wanted.index_select(0, rows);
    if (given.sizes() != expected.sizes()) return std::numeric_limits<double>::infinity();
    const auto apart = (given - expected).abs().max().item<double>();
    return apart == 0 ? 0 : apart / expected.abs().max().item<double>();
  };
  const double alone = difference(1);
  const double together = difference(std::max(images.size(0), plan.preferred_batch_size()));
  // NaN ranks above any number: it is returned from either operand.
  return std::isnan(alone) || together < alone ? alone : together;
}

void DeclareUsageKinds(Environment& environment) { environment.UsageOf(kArenaUsage); }

Napi::Value PlanMethod(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const std::string precision = info[3].As<Napi::String>();
  const auto images = info[4].IsUndefined() ? at::Tensor() : Unwrap<Tensor>(info[4])->tensor;
  const auto executor = Unwrap<Executor>(info[0]);
  const auto arena = std::make_shared<plan::Arena>();
  const auto report = [weak = std::weak_ptr(arena)]() -> std::optional<int64_t> {
    const auto live = weak.lock();
    if (!live) return std::nullopt;
    return static_cast<int64_t>(live->bytes());
  };
  Environment::Of(info.Env()).ReportUsage(kArenaUsage, report);
  executor->OnIdle([weak = std::weak_ptr(arena)] {
    if (const auto live = weak.lock()) live->Trim();
  });
  auto make_plan = [module, method, precision, images, arena] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      plan::Arena::Install();
      PlanResult<std::string> result;
      if (precision == "bfloat16" && !HasBFloat16()) {
        result.reason = "this processor has no bfloat16 instructions";
        return result;
      }
      try {
        const auto dtype = precision == "bfloat16" ? at::kBFloat16 : at::kFloat;
        auto plan = std::make_shared<plan::Plan>(module->module, method, dtype, arena);
        if (precision == "int8") plan->Quantize(images);
        result.value = plan->signature();
        module->plans.Set(method, std::move(plan));
      } catch (const plan::Unplannable& unplannable) {
        result.reason = unplannable.what();
      }
      return result;
    });
  };
  return Submit(info.Env(), {executor}, std::move(make_plan), &ToJs<std::string>);
}

Napi::Value ChoosePlan(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto given = info[3].As<Napi::Object>();
  const plan::Choices choices{.alone = given.Get("alone").As<Napi::String>(),
                              .part = given.Get("part").As<Napi::String>(),
                              .part_size = given.Get("partSize").As<Napi::Number>().Int64Value()};
  auto choose = [module, method, choices] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      FindPlan<plan::Plan>(*module, method)->Choose(choices);
      return Nothing{};
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(choose), &ToUndefined);
}

Napi::Value TunePlan(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto images = Unwrap<Tensor>(info[3])->tensor;
  const double seconds = info[4].As<Napi::Number>().DoubleValue();
  auto tune = [module, method, images, seconds] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      const auto plan = FindPlan<plan::Plan>(*module, method);
      PlanResult<Tuning> result{"", plan->Tune(images.narrow(0, 0, 1), seconds)};
      const auto difference = DifferenceOf(*plan, module->module.get_method(method), images);
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
  const auto images = Unwrap<Tensor>(info[3])->tensor;
  auto compare = [module, method, images] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      return DifferenceOf(*FindPlan<PlannedMethod>(*module, method),
                          module->module.get_method(method), images);
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(compare), &ToNumber);
}

}  // namespace semisup
