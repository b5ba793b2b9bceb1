#include "inference/planned_methods.h"

#include <c10/core/InferenceMode.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/arena.h"
#include "inference/comparison.h"
#include "inference/plan_result.h"
#include "plan/plan.h"
#include "plan/precision_support.h"
#include "program/numerics.h"
#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/script_module_handle.h"
#include "script/tensor.h"

namespace semisup {
namespace {

constexpr const char* kArenaUsage = "Arena";

using Tuning = std::pair<plan::PlanChoices, plan::Measurements>;

void SetValue(Napi::Object result, const std::string& signature) {
  result.Set("signature", signature);
}

Napi::Array ToNames(Napi::Env env, const std::vector<plan::Algorithm>& algorithms) {
  auto names = Napi::Array::New(env, algorithms.size());
  for (uint32_t i = 0; i < algorithms.size(); i++) {
    names.Set(i, std::string(plan::NameOf(algorithms[i])));
  }
  return names;
}

// PlanTuning of src/torch/native.ts.
void SetValue(Napi::Object result, const Tuning& tuning) {
  const auto env = result.Env();
  const auto& [choices, measurements] = tuning;
  auto latency = Napi::Object::New(env);
  latency.Set("algorithms", ToNames(env, choices.latency));
  auto throughput = Napi::Object::New(env);
  throughput.Set("algorithms", ToNames(env, choices.throughput));
  throughput.Set("subBatch", static_cast<double>(choices.sub_batch));
  auto selected = Napi::Object::New(env);
  selected.Set("latency", latency);
  selected.Set("throughput", throughput);
  result.Set("choices", selected);

  auto rates = Napi::Object::New(env);
  for (const auto& [size, rate] : measurements.throughput) rates.Set(std::to_string(size), rate);
  auto measured = Napi::Object::New(env);
  measured.Set("latency", measurements.latency);
  measured.Set("throughput", rates);
  result.Set("measured", measured);
}

std::vector<plan::Algorithm> ReadAlgorithms(Napi::Object mode) {
  const auto names = mode.Get("algorithms").As<Napi::Array>();
  std::vector<plan::Algorithm> algorithms;
  for (uint32_t i = 0; i < names.Length(); i++) {
    const std::string name = names.Get(i).As<Napi::String>();
    const auto algorithm = plan::AlgorithmFromName(name);
    if (!algorithm) {
      throw Error("ERR_SEMISUP_OPTION_VALUE",
                  "Expected the name of an algorithm, but received '" + name + "'.");
    }
    algorithms.push_back(*algorithm);
  }
  return algorithms;
}

// PlanChoices of src/torch/plan-choices.ts.
plan::PlanChoices ReadChoices(Napi::Object choices) {
  const auto throughput = choices.Get("throughput").As<Napi::Object>();
  return {.latency = ReadAlgorithms(choices.Get("latency").As<Napi::Object>()),
          .throughput = ReadAlgorithms(throughput),
          .sub_batch = throughput.Get("subBatch").As<Napi::Number>().Int64Value()};
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

void DeclareUsageKinds(Environment& environment) { environment.UsageOf(kArenaUsage); }

Napi::Value PlanOnCpu(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto precision = program::PrecisionFromName(info[3].As<Napi::String>());
  const auto images = info[4].IsUndefined() ? at::Tensor() : Unwrap<Tensor>(info[4])->tensor;
  const auto executor = Unwrap<Executor>(info[0]);
  const auto arena = std::make_shared<engine::Arena>();
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
  const auto images = Unwrap<Tensor>(info[3])->tensor;
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
  const auto images = Unwrap<Tensor>(info[3])->tensor;
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
