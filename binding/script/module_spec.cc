#include "script/module_spec.h"

#include <cmath>

#include "runtime/error.h"
#include "script/dtype.h"
#include "tensor/arguments.h"

namespace semisup {
namespace {

template <class Visit>
void ForEach(Napi::Value value, Visit visit) {
  if (value.IsUndefined()) return;
  const auto object = value.As<Napi::Object>();
  // In JavaScript's property order, because state_dict() lists names in the order of the spec.
  const auto names = object.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); i++) {
    const std::string name = names.Get(i).As<Napi::String>();
    visit(name, object.Get(name));
  }
}

std::vector<ModuleSpec::TensorSpec> ReadTensorSpecs(Napi::Value value) {
  std::vector<ModuleSpec::TensorSpec> specs;
  ForEach(value, [&](const std::string& name, Napi::Value spec) {
    const auto object = spec.As<Napi::Object>();
    specs.push_back({name, DTypeFromName(object.Get("dtype").As<Napi::String>()),
                     ReadSizes(object.Get("shape"))});
  });
  return specs;
}

c10::IValue ReadAttribute(const std::string& name, Napi::Value value) {
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>();
    if (number == std::floor(number)) return static_cast<int64_t>(number);
    return number;
  }
  if (value.IsObject()) {
    return value.As<Napi::Object>().Get("float").As<Napi::Number>().DoubleValue();
  }
  throw Error("ERR_SEMISUP_OPTION_VALUE",
              "Expected a boolean, string, number or { float } for the attribute '" + name +
                  "', but received a value of another type.");
}

}  // namespace

ModuleSpec ReadModuleSpec(Napi::Object object) {
  ModuleSpec spec;
  spec.type = object.Get("type").As<Napi::String>();
  spec.source = object.Get("source").As<Napi::String>();
  spec.parameters = ReadTensorSpecs(object.Get("parameters"));
  spec.buffers = ReadTensorSpecs(object.Get("buffers"));
  ForEach(object.Get("attributes"), [&](const std::string& name, Napi::Value value) {
    spec.attributes.emplace_back(name, ReadAttribute(name, value));
  });
  ForEach(object.Get("modules"), [&](const std::string& name, Napi::Value value) {
    spec.modules.emplace_back(name, ReadModuleSpec(value.As<Napi::Object>()));
  });
  return spec;
}

}  // namespace semisup
