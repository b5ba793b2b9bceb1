#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/function_schema.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/environment.h"
#include "runtime/error.h"
#include "runtime/object.h"
#include "script/tensor.h"
#include "script/value.h"

namespace semisup {
namespace {

constexpr int64_t kMaxSafeInteger = 9007199254740991;

Napi::Value FromInt(Napi::Env env, int64_t integer) {
  if (integer > kMaxSafeInteger || integer < -kMaxSafeInteger) {
    return Napi::BigInt::New(env, integer);
  }
  return Napi::Number::New(env, static_cast<double>(integer));
}

template <class Values>
Napi::Array FromSequence(Napi::Env env, const Values& values) {
  auto array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); i++) {
    array.Set(static_cast<uint32_t>(i), FromIValue(env, values[i]));
  }
  return array;
}

Napi::Value FromTuple(Napi::Env env, const c10::ivalue::Tuple& tuple) {
  const auto schema = tuple.type()->schema();
  if (!schema) return FromSequence(env, tuple.elements());
  auto object = Napi::Object::New(env);
  for (size_t i = 0; i < tuple.elements().size(); i++) {
    DefineProperty(object, schema->arguments()[i].name(), FromIValue(env, tuple.elements()[i]));
  }
  return object;
}

Napi::Value FromDict(Napi::Env env, const c10::impl::GenericDict& dict) {
  if (dict.keyType()->kind() == c10::TypeKind::StringType) {
    auto object = Napi::Object::New(env);
    for (const auto& entry : dict) {
      DefineProperty(object, entry.key().toStringRef(), FromIValue(env, entry.value()));
    }
    return object;
  }
  auto map = env.Global().Get("Map").As<Napi::Function>().New({});
  const auto set = map.Get("set").As<Napi::Function>();
  for (const auto& entry : dict) {
    set.Call(map, {FromIValue(env, entry.key()), FromIValue(env, entry.value())});
  }
  return map;
}

// Copies the containers of a value; tensors are copied to `device` if it is given.
c10::IValue Copy(const c10::IValue& value, int depth, std::optional<c10::Device> device) {
  if (depth > kMaxDepth) {
    throw Error("ERR_SEMISUP_SCRIPT", "TorchScript returned a value nested more than " +
                                          std::to_string(kMaxDepth) + " levels deep.");
  }
  if (value.isList()) {
    const auto list = value.toList();
    c10::impl::GenericList copy(list.elementType());
    copy.reserve(list.size());
    for (const auto& part : value.toListRef()) copy.push_back(Copy(part, depth + 1, device));
    return copy;
  }
  if (value.isGenericDict()) {
    const auto dict = value.toGenericDict();
    c10::impl::GenericDict copy(dict.keyType(), dict.valueType());
    for (const auto& entry : dict) copy.insert(entry.key(), Copy(entry.value(), depth + 1, device));
    return copy;
  }
  if (value.isTuple()) {
    const auto& tuple = value.toTupleRef();
    std::vector<c10::IValue> parts;
    for (const auto& part : tuple.elements()) parts.push_back(Copy(part, depth + 1, device));
    const auto type = tuple.type();
    if (type->schema()) return c10::ivalue::Tuple::createNamed(std::move(parts), type);
    return c10::ivalue::Tuple::create(std::move(parts));
  }
  if (device && value.isTensor()) return value.toTensor().to(*device);
  return value;
}

}  // namespace

c10::IValue Snapshot(const c10::IValue& value) { return Copy(value, 0, std::nullopt); }

c10::IValue CopyToDevice(const c10::IValue& value, c10::Device device) {
  return Copy(value, 0, device);
}

Napi::Value FromIValue(Napi::Env env, const c10::IValue& value) {
  if (value.isNone()) return env.Null();
  if (value.isTensor()) {
    if (!value.toTensor().defined()) return env.Null();
    return Environment::Of(env).ToTensor(WrapTensor(env, value.toTensor()));
  }
  if (value.isInt()) return FromInt(env, value.toInt());
  if (value.isDouble()) return Napi::Number::New(env, value.toDouble());
  if (value.isBool()) return Napi::Boolean::New(env, value.toBool());
  if (value.isString()) return Napi::String::New(env, value.toStringRef());
  if (value.isDevice()) return Napi::String::New(env, value.toDevice().str());
  if (value.isList()) return FromSequence(env, value.toListRef());
  if (value.isTuple()) return FromTuple(env, value.toTupleRef());
  if (value.isGenericDict()) return FromDict(env, value.toGenericDict());
  throw Error("ERR_SEMISUP_SCRIPT", "TorchScript returned a value of type " +
                                        value.type()->annotation_str() +
                                        ", which has no JavaScript equivalent.");
}

}  // namespace semisup
