#include "runtime/object.h"

namespace semisup {
namespace {

Napi::Value CallStatic(Napi::Value argument, const char* type, const char* function) {
  const auto constructor = argument.Env().Global().Get(type).As<Napi::Object>();
  return constructor.Get(function).As<Napi::Function>().Call({argument});
}

// Object.getPrototypeOf, because napi_get_prototype does not return the prototype of a proxy.
Napi::Value PrototypeOf(Napi::Value object) {
  return CallStatic(object, "Object", "getPrototypeOf");
}

}  // namespace

bool IsPlainObject(Napi::Value value) {
  if (value.Type() != napi_object || value.IsArray()) return false;
  const auto prototype = PrototypeOf(value);
  return prototype.IsNull() || PrototypeOf(prototype).IsNull();
}

std::optional<Napi::Array> ToArray(Napi::Value value) {
  if (value.IsArray()) return value.As<Napi::Array>();
  if (!value.IsObject() || !CallStatic(value, "Array", "isArray").ToBoolean()) return std::nullopt;
  return ArrayFrom(value);
}

Napi::Array ArrayFrom(Napi::Value iterable) {
  return CallStatic(iterable, "Array", "from").As<Napi::Array>();
}

std::vector<std::string> OwnPropertyNames(Napi::Object object) {
  napi_value result = nullptr;
  const auto filter = static_cast<napi_key_filter>(napi_key_enumerable | napi_key_skip_symbols);
  const auto status = napi_get_all_property_names(object.Env(), object, napi_key_own_only, filter,
                                                  napi_key_numbers_to_strings, &result);
  NAPI_THROW_IF_FAILED(object.Env(), status, {});
  const Napi::Array array(object.Env(), result);
  std::vector<std::string> names;
  for (uint32_t i = 0; i < array.Length(); i++) names.push_back(array.Get(i).As<Napi::String>());
  return names;
}

void DefineProperty(Napi::Object object, const std::string& name, Napi::Value value) {
  object.DefineProperty(Napi::PropertyDescriptor::Value(
      name, value,
      static_cast<napi_property_attributes>(napi_writable | napi_enumerable | napi_configurable)));
}

}  // namespace semisup
