#include "inference/plan_choices.h"

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/error.h"

namespace semisup {
namespace {

Napi::Array ToNames(Napi::Env env, const std::vector<plan::Algorithm>& algorithms) {
  auto names = Napi::Array::New(env, algorithms.size());
  for (uint32_t i = 0; i < algorithms.size(); i++) {
    names.Set(i, std::string(plan::NameOf(algorithms[i])));
  }
  return names;
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

}  // namespace

Napi::Object ChoicesToJs(Napi::Env env, const plan::PlanChoices& choices) {
  auto latency = Napi::Object::New(env);
  latency.Set("algorithms", ToNames(env, choices.latency));
  auto throughput = Napi::Object::New(env);
  throughput.Set("algorithms", ToNames(env, choices.throughput));
  throughput.Set("subBatch", static_cast<double>(choices.sub_batch));
  auto result = Napi::Object::New(env);
  result.Set("latency", latency);
  result.Set("throughput", throughput);
  return result;
}

Napi::Object MeasurementsToJs(Napi::Env env, const plan::Measurements& measurements) {
  auto throughput = Napi::Object::New(env);
  for (const auto& [size, rate] : measurements.throughput) {
    throughput.Set(std::to_string(size), rate);
  }
  auto result = Napi::Object::New(env);
  result.Set("latency", measurements.latency);
  result.Set("throughput", throughput);
  return result;
}

plan::PlanChoices ReadChoices(Napi::Object choices) {
  const auto throughput = choices.Get("throughput").As<Napi::Object>();
  return {.latency = ReadAlgorithms(choices.Get("latency").As<Napi::Object>()),
          .throughput = ReadAlgorithms(throughput),
          .sub_batch = throughput.Get("subBatch").As<Napi::Number>().Int64Value()};
}

}  // namespace semisup
