#include "train/trainer_functions.h"

#include <ATen/core/grad_mode.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "plan/precision_support.h"
#include "program/numerics.h"
#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "runtime/network_arena.h"
#include "runtime/object.h"
#include "script/fill.h"
#include "script/script_module_handle.h"
#include "script/tensor.h"
#include "script/value.h"
#include "train/trainer.h"
#include "train/trainer_options.h"

namespace semisup {

template <>
struct HandleTraits<train::Trainer> {
  static constexpr const char* kName = "Trainer";
  static constexpr napi_type_tag kTag = {0x83d1f60c2b7e4a95, 0x94be07a1d2563cf8};
};

namespace {

using train::Trainer;

constexpr const char* kCode = "ERR_SEMISUP_SCRIPT";

// The memory of a step, which the next one allocates again.
constexpr size_t kMaxCachedBytes = std::numeric_limits<size_t>::max();

// Tasks that change the weights run alone, because tasks of other threads read them.
SubmitOptions Alone(const Napi::CallbackInfo& info) {
  return {.executor = Unwrap<Executor>(info[0]), .queue = {.is_exclusive = true}};
}

void CheckBFloat16(c10::Device device) {
  if (!device.is_cpu()) return;
  const auto& reason = plan::ReasonAgainst(program::ComputePrecision::kBFloat16);
  if (reason.empty()) return;
  throw Error("ERR_SEMISUP_OPTION_VALUE",
              "The precision 'bfloat16' is not available: " + reason + ".");
}

}  // namespace

Napi::Value CreateTrainer(const Napi::CallbackInfo& info) {
  const auto module = Unwrap<ScriptModule>(info[1]);
  const auto options = train::ReadTrainerOptions(info[2].As<Napi::Object>());
  const auto submit = Alone(info);
  const auto arena = CreateArena(info.Env(), *submit.executor, kMaxCachedBytes);
  auto create = [module, options, arena] {
    return WithCode(kCode, [&] {
      if (options.autocast) CheckBFloat16(module->device);
      return std::make_shared<Trainer>(module, options, arena);
    });
  };
  auto result = [](Napi::Env env, std::shared_ptr<Trainer>&& trainer) -> Napi::Value {
    return Wrap(env, std::move(trainer));
  };
  return Submit(info.Env(), submit, std::move(create), result);
}

Napi::Value TrainStep(const Napi::CallbackInfo& info) {
  const auto trainer = Unwrap<Trainer>(info[1]);
  auto step = [trainer, images = TensorOf(info[2]), targets = TensorOf(info[3]),
               options = train::ReadStepOptions(info[4].As<Napi::Object>())] {
    return WithCode(kCode, [&] { return trainer->Step(images, targets, options); });
  };
  auto result = [](Napi::Env env, const train::StepResult& step_result) -> Napi::Value {
    auto object = Napi::Object::New(env);
    object.Set("loss", step_result.loss);
    object.Set("correct", static_cast<double>(step_result.correct));
    if (step_result.gradient_norm) object.Set("gradientNorm", *step_result.gradient_norm);
    return object;
  };
  return Submit(info.Env(), Alone(info), std::move(step), result);
}

Napi::Value TrainerState(const Napi::CallbackInfo& info) {
  const auto trainer = Unwrap<Trainer>(info[1]);
  auto result = [](Napi::Env env, train::NamedTensors&& state) -> Napi::Value {
    auto object = Napi::Object::New(env);
    for (const auto& [name, tensor] : state) DefineProperty(object, name, FromIValue(env, tensor));
    return object;
  };
  return Submit(info.Env(), Alone(info), [trainer] { return trainer->State(); }, result);
}

Napi::Value RestoreTrainer(const Napi::CallbackInfo& info) {
  const auto trainer = Unwrap<Trainer>(info[1]);
  const std::string name = info[2].As<Napi::String>();
  auto submit = Alone(info);
  const auto source = ReadStridedView(info[3].As<Napi::Uint8Array>(), info[4].As<Napi::Object>());
  submit.keep_alive.push_back(info[3].As<Napi::Object>());
  auto restore = [trainer, name, source] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      for (const auto& [known, tensor] : trainer->State()) {
        if (known != name) continue;
        Fill(tensor, source, name);
        return std::monostate{};
      }
      throw Error("ERR_SEMISUP_TENSOR", "The training state has no tensor '" + name + "'.");
    });
  };
  return Submit(info.Env(), submit, std::move(restore), &ToUndefined);
}

Napi::Value CopyTrained(const Napi::CallbackInfo& info) {
  const auto trainer = Unwrap<Trainer>(info[1]);
  const bool use_ema = info[2].ToBoolean();
  auto copy = [trainer, use_ema] {
    return WithCode(kCode, [&] { return trainer->Copy(use_ema); });
  };
  auto result = [device = trainer->device()](Napi::Env env,
                                             torch::jit::Module&& module) -> Napi::Value {
    return WrapModule(env, std::move(module), device);
  };
  return Submit(info.Env(), Alone(info), std::move(copy), result);
}

}  // namespace semisup
