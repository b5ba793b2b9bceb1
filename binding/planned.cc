#include "planned.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "dtype.h"
#include "environment.h"
#include "error.h"
#include "handle.h"
#include "job.h"
#include "plan/plan.h"
#include "script_module.h"
#include "tensor.h"

namespace semisup {
namespace {

bool HasBFloat16() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return true;
#endif
}

using Tuning = std::pair<plan::Choices, plan::Measured>;

void Describe(Napi::Object answer, const std::string& signature) {
  answer.Set("signature", signature);
}

void Describe(Napi::Object answer, const Tuning& tuning) {
  const auto& [found, times] = tuning;
  auto choices = Napi::Object::New(answer.Env());
  choices.Set("alone", found.alone);
  choices.Set("part", found.part);
  choices.Set("partSize", static_cast<double>(found.part_size));
  answer.Set("choices", choices);
  auto measured = Napi::Object::New(answer.Env());
  measured.Set("alone", times.alone);
  auto parts = Napi::Object::New(answer.Env());
  for (const auto& [size, rate] : times.parts) parts.Set(std::to_string(size), rate);
  measured.Set("parts", parts);
  answer.Set("measured", measured);
}

template <class T>
Napi::Value ToJs(Napi::Env env, Outcome<T>&& outcome) {
  auto answer = Napi::Object::New(env);
  if (outcome.reason.empty()) {
    Describe(answer, outcome.value);
  } else {
    answer.Set("reason", outcome.reason);
  }
  return answer;
}

Napi::Value ToNumber(Napi::Env env, double&& number) { return Napi::Number::New(env, number); }

template <class Kind>
std::shared_ptr<Kind> PlanOf(const ScriptModule& module, const std::string& method) {
  auto plan = std::dynamic_pointer_cast<Kind>(module.plans.Find(method));
  if (!plan) throw Error("ERR_SEMISUP_SCRIPT", "There is no plan of " + method + "().");
  return plan;
}

}  // namespace

double DifferenceOf(PlannedMethod& plan, const torch::jit::Method& method,
                    const at::Tensor& images) {
  const auto wanted = method({plan.ForTorchScript(images)}).toTensor();
  const auto difference = [&](int64_t count) {
    const auto rows = at::arange(count).remainder(images.size(0));
    const auto given = plan.Run(images.index_select(0, rows)).cpu();
    const auto expected = wanted.index_select(0, rows);
    if (given.sizes() != expected.sizes()) return std::numeric_limits<double>::infinity();
    const auto apart = (given - expected).abs().max().item<double>();
    return apart == 0 ? 0 : apart / expected.abs().max().item<double>();
  };
  const double alone = difference(1);
  const double together = difference(std::max(images.size(0), plan.round()));
  // What is no number is worse than any.
  return std::isnan(alone) || together < alone ? alone : together;
}

std::shared_ptr<PlannedMethod> Plans::Find(const std::string& method) const {
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(method);
  return found == plans_.end() ? nullptr : found->second;
}

void Plans::Set(const std::string& method, std::shared_ptr<PlannedMethod> plan) {
  const std::lock_guard lock(mutex_);
  plans_[method] = std::move(plan);
}

void Plans::Clear() {
  const std::lock_guard lock(mutex_);
  plans_.clear();
}

Napi::Value PlanMethod(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const std::string precision = info[3].As<Napi::String>();
  const auto images = info[4].IsUndefined() ? at::Tensor() : Unwrap<Tensor>(info[4])->tensor;
  const auto executor = Unwrap<Executor>(info[0]);
  const auto arena = std::make_shared<plan::Arena>();
  Environment::Of(info.Env()).Register(arena);
  executor->WhenIdle([weak = std::weak_ptr(arena)] {
    if (const auto kept = weak.lock()) kept->Trim();
  });
  auto make = [module, method, precision, images, arena] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      plan::Arena::Install();
      Outcome<std::string> outcome;
      if (precision == "bfloat16" && !HasBFloat16()) {
        outcome.reason = "this processor has no arithmetic of bfloat16";
        return outcome;
      }
      try {
        const auto dtype = precision == "bfloat16" ? at::kBFloat16 : at::kFloat;
        auto plan = std::make_shared<plan::Plan>(module->module, method, dtype, arena);
        if (precision == "int8") plan->Quantize(images);
        outcome.value = plan->signature();
        module->plans.Set(method, std::move(plan));
      } catch (const plan::Unplannable& unplannable) {
        outcome.reason = unplannable.what();
      }
      return outcome;
    });
  };
  return Submit(info.Env(), {executor}, std::move(make), &ToJs<std::string>);
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
      PlanOf<plan::Plan>(*module, method)->Choose(choices);
      return Nothing{};
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(choose), &Undefined);
}

Napi::Value TunePlan(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const std::string method = info[2].As<Napi::String>();
  const auto images = Unwrap<Tensor>(info[3])->tensor;
  const double seconds = info[4].As<Napi::Number>().DoubleValue();
  auto tune = [module, method, images, seconds] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      const auto plan = PlanOf<plan::Plan>(*module, method);
      Outcome<Tuning> outcome{"", plan->Tune(images.narrow(0, 0, 1), seconds)};
      const auto difference = DifferenceOf(*plan, module->module.get_method(method), images);
      // So that what is no number is wrong too.
      if (!(difference <= plan->tolerance())) {
        module->plans.Set(method, nullptr);
        outcome.reason = "it gives other numbers than TorchScript";
      }
      return outcome;
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
      return DifferenceOf(*PlanOf<PlannedMethod>(*module, method),
                          module->module.get_method(method), images);
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(compare), &ToNumber);
}

}  // namespace semisup
