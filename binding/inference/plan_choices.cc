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

void SetTuning(Napi::Object result, const Tuning& tuning) {
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

plan::PlanChoices ReadChoices(Napi::Object choices) {
  const auto throughput = choices.Get("throughput").As<Napi::Object>();
  return {.latency = ReadAlgorithms(choices.Get("latency").As<Napi::Object>()),
          .throughput = ReadAlgorithms(throughput),
          .sub_batch = throughput.Get("subBatch").As<Napi::Number>().Int64Value()};
}

}  // namespace semisup
