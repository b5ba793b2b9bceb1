#include "train/trainer_options.h"

#include <array>
#include <string>
#include <vector>

#include "tensor/arguments.h"

namespace semisup::train {
namespace {

double ReadNumber(Napi::Object object, const char* name) {
  return object.Get(name).As<Napi::Number>().DoubleValue();
}

std::vector<std::string> ReadNames(Napi::Value value) {
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> names;
  for (uint32_t i = 0; i < array.Length(); i++) names.push_back(array.Get(i).As<Napi::String>());
  return names;
}

std::variant<Sgd, AdamW> ReadAlgorithm(Napi::Object object) {
  if (object.Get("name").As<Napi::String>().Utf8Value() == "sgd") {
    return Sgd{ReadNumber(object, "momentum"), object.Get("nesterov").ToBoolean()};
  }
  return AdamW{ReadNumber(object, "beta1"), ReadNumber(object, "beta2"), ReadNumber(object, "eps")};
}

std::optional<Mix> ReadMix(Napi::Value value) {
  if (value.IsUndefined()) return std::nullopt;
  const auto object = value.As<Napi::Object>();
  Mix mix{ReadNumber(object, "lambda"), ReadSizes(object.Get("partners")), std::nullopt};
  if (const auto box = object.Get("box"); !box.IsUndefined()) {
    const auto sides = ReadSizes(box);
    mix.box = {sides.at(0), sides.at(1), sides.at(2), sides.at(3)};
  }
  return mix;
}

}  // namespace

TrainerOptions ReadTrainerOptions(Napi::Object object) {
  TrainerOptions options{.algorithm = ReadAlgorithm(object.Get("optimizer").As<Napi::Object>()),
                         .groups = {},
                         .eval_modules = ReadNames(object.Get("evalModules")),
                         .label_smoothing = ReadNumber(object, "labelSmoothing"),
                         .clip_norm = ReadNumber(object, "clipNorm"),
                         .ema_decay = ReadNumber(object, "emaDecay"),
                         .autocast = object.Get("autocast").ToBoolean()};
  const auto groups = object.Get("groups").As<Napi::Array>();
  for (uint32_t i = 0; i < groups.Length(); i++) {
    const auto group = groups.Get(i).As<Napi::Object>();
    options.groups.push_back({ReadNames(group.Get("names")), ReadNumber(group, "lrScale"),
                              ReadNumber(group, "weightDecay")});
  }
  return options;
}

StepOptions ReadStepOptions(Napi::Object object) {
  return {ReadNumber(object, "lr"),
          static_cast<uint64_t>(object.Get("seed").As<Napi::Number>().Int64Value()),
          ReadNumber(object, "lossScale"), object.Get("updates").ToBoolean(),
          ReadMix(object.Get("mix"))};
}

}  // namespace semisup::train
