#include "inference/compiled_methods.h"

#include <c10/core/InferenceMode.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/arena.h"
#include "engine/compiled_file.h"
#include "engine/make_network.h"
#include "inference/comparison.h"
#include "inference/plan_choices.h"
#include "inference/plan_result.h"
#include "plan/plan.h"
#include "plan/precision_support.h"
#include "plan/torch_tensor.h"
#include "program/numerics.h"
#include "runtime/error.h"
#include "runtime/job.h"
#include "script/script_module_handle.h"
#include "script/tensor.h"

namespace semisup {
namespace {

// A described network in the place of a method, for the comparison with it.
class DescribedMethod final : public PlannedMethod {
 public:
  DescribedMethod(const engine::NetworkDescription& network, double tolerance)
      : network_(std::make_shared<engine::Arena>(), {}), tolerance_(tolerance) {
    network_.steps() = engine::MakeSteps(network);
    network_.set_sub_batch(network.sub_batch);
  }

  bool Accepts(const at::Tensor&) const override { return true; }
  std::vector<at::Tensor> Run(const at::Tensor& input, const OutputSelection& selected) override {
    return plan::ToTorch(network_.Run(plan::FromTorch(input), selected));
  }
  int64_t preferred_batch_size() const override { return network_.preferred_batch_size(); }
  double tolerance() const override { return tolerance_; }

 private:
  engine::Network network_;
  const double tolerance_;
};

struct CompiledNetwork {
  std::shared_ptr<engine::NetworkDescription> network;
  plan::PlanChoices choices;
  std::optional<plan::Measurements> measured;
};

struct CompileRequest {
  std::shared_ptr<ScriptModule> module;
  std::string method;
  program::ComputePrecision precision;
  at::Tensor images;
  // Of an earlier compilation.
  std::optional<plan::PlanChoices> choices;
  double seconds;

  CompiledNetwork Compile() const {
    plan::Plan plan(module->module, method, precision, std::make_shared<engine::Arena>());
    if (precision == program::ComputePrecision::kInt8) plan.Quantize(images);
    plan.ExcludeOneDnn();
    CompiledNetwork compiled;
    if (choices && choices->latency.size() == static_cast<size_t>(plan.convolutions())) {
      compiled.choices = *choices;
      plan.ApplyChoices(*choices);
    } else {
      auto [selected, measured] = plan.Tune(images.narrow(0, 0, 1), seconds);
      compiled.choices = std::move(selected);
      if (measured.were_quiet) compiled.measured = std::move(measured);
    }
    compiled.network = std::make_shared<engine::NetworkDescription>(plan.Describe());
    DescribedMethod described(*compiled.network, plan.tolerance());
    const auto difference =
        CompareWithTorchScript(described, module->module.get_method(method), images);
    // Negated, so that NaN fails too.
    if (!(difference <= plan.tolerance())) {
      throw program::UnsupportedGraph("its results differ from those of TorchScript");
    }
    return compiled;
  }
};

// CompiledNetwork of src/torch/native.ts.
void SetValue(Napi::Object result, CompiledNetwork& compiled) {
  auto& [network, choices, measured] = compiled;
  const auto env = result.Env();
  result.Set("choices", ChoicesToJs(env, choices));
  if (measured) result.Set("measured", MeasurementsToJs(env, *measured));
  result.Set("instructionSet", network->instruction_set);
  result.Set("network", Wrap(env, network));
}

Napi::Value ToJs(Napi::Env env, PlanResult<CompiledNetwork>&& compiled) {
  auto result = Napi::Object::New(env);
  if (compiled.reason.empty()) {
    SetValue(result, compiled.value);
  } else {
    result.Set("reason", compiled.reason);
  }
  return result;
}

}  // namespace

Napi::Value CompileMethod(const Napi::CallbackInfo& info) {
  const CompileRequest request{
      .module = Unwrap<ScriptModule>(info[1]),
      .method = info[2].As<Napi::String>(),
      .precision = program::PrecisionFromName(info[3].As<Napi::String>()),
      .images = TensorOf(info[4]),
      .choices = info[5].IsUndefined() ? std::nullopt
                                       : std::optional(ReadChoices(info[5].As<Napi::Object>())),
      .seconds = info[6].As<Napi::Number>().DoubleValue()};
  auto compile = [request] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::InferenceMode inference;
      PlanResult<CompiledNetwork> result;
      result.reason = plan::ReasonAgainst(request.precision);
      if (!result.reason.empty()) return result;
      try {
        result.value = request.Compile();
      } catch (const program::UnsupportedGraph& unsupported) {
        result.reason = unsupported.what();
      }
      return result;
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(compile), &ToJs);
}

Napi::Value WriteCompiled(const Napi::CallbackInfo& info) {
  const std::string path = info[1].As<Napi::String>();
  const std::string metadata = info[2].As<Napi::String>();
  const auto handles = info[3].As<Napi::Array>();
  std::vector<std::shared_ptr<engine::NetworkDescription>> networks;
  for (uint32_t i = 0; i < handles.Length(); i++) {
    networks.push_back(Unwrap<engine::NetworkDescription>(handles.Get(i)));
  }
  const auto others = info[4].As<Napi::Array>();
  std::vector<std::string> files;
  for (uint32_t i = 0; i < others.Length(); i++) {
    files.push_back(others.Get(i).As<Napi::String>());
  }
  auto write = [path, metadata, networks, files] {
    return WithCode("ERR_SEMISUP_MODEL_WRITE", [&] {
      engine::CompiledFile file{metadata, {}};
      for (const auto& network : networks) file.networks.push_back(*network);
      for (const auto& other : files) {
        // Buffers keep the file mapped.
        auto contents = engine::ReadCompiled(engine::MapFile(other));
        for (auto& network : contents.networks) file.networks.push_back(std::move(network));
      }
      engine::WriteCompiled(path, file);
      return std::monostate{};
    });
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(write), &ToUndefined);
}

}  // namespace semisup
