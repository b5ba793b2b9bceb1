#include "value.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/function_schema.h>

#include <cmath>
#include <limits>

#include "environment.h"
#include "error.h"
#include "handle.h"
#include "tensor.h"

namespace semisup {
namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;
// Deeper than any sensible value, and shallow enough for the stack: an object may hold itself.
constexpr int kMaxDepth = 100;

std::string Show(Napi::Value value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_string:
      return "'" + value.As<Napi::String>().Utf8Value() + "' of type string";
    case napi_number:
    case napi_boolean:
    case napi_bigint: {
      const char* type = value.IsNumber() ? "number" : value.IsBoolean() ? "boolean" : "bigint";
      return value.ToString().Utf8Value() + " of type " + type;
    }
    case napi_object: {
      if (value.IsArray()) {
        return "an array of " + std::to_string(value.As<Napi::Array>().Length());
      }
      const auto constructor = value.As<Napi::Object>().Get("constructor");
      if (!constructor.IsFunction()) return "an object";
      return "a " + constructor.As<Napi::Object>().Get("name").ToString().Utf8Value();
    }
    default:
      return "a value of another kind";
  }
}

[[noreturn]] void Refuse(Napi::Value value, const std::string& expected, const std::string& place) {
  throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT",
              "Expected " + expected + " for " + place + " but received " + Show(value) + ".");
}

std::string Index(size_t i) {
  std::string text = "[";
  text += std::to_string(i);
  text += "]";
  return text;
}

bool IsNothing(Napi::Value value) { return value.IsNull() || value.IsUndefined(); }

bool IsWhole(Napi::Value value) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>();
  return std::trunc(number) == number && std::abs(number) <= kMaxSafeInteger;
}

std::optional<int64_t> ToInt(Napi::Value value) {
  if (IsWhole(value)) return value.As<Napi::Number>().Int64Value();
  if (!value.IsBigInt()) return std::nullopt;
  bool lossless = false;
  const int64_t integer = value.As<Napi::BigInt>().Int64Value(&lossless);
  return lossless ? std::optional(integer) : std::nullopt;
}

std::optional<at::Tensor> ToTensor(Napi::Value value) {
  if (!value.IsObject()) return std::nullopt;
  const auto handle = value.As<Napi::Object>().Get("handle");
  if (!IsHandleOf<Tensor>(handle)) return std::nullopt;
  return Unwrap<Tensor>(handle)->tensor;
}

bool IsMap(Napi::Value value) {
  return value.IsObject() && value.As<Napi::Object>().InstanceOf(
                                 value.Env().Global().Get("Map").As<Napi::Function>());
}

class Reader {
 public:
  explicit Reader(std::string place) : place_(std::move(place)) {}

  c10::IValue Read(Napi::Value value, const c10::TypePtr& type) {
    const Descent descent(*this, value);
    switch (type->kind()) {
      case c10::TypeKind::TensorType:
        if (auto tensor = ToTensor(value)) return *tensor;
        break;
      case c10::TypeKind::IntType:
        if (const auto integer = ToInt(value)) return *integer;
        break;
      case c10::TypeKind::FloatType:
        if (value.IsNumber()) return value.As<Napi::Number>().DoubleValue();
        break;
      case c10::TypeKind::NumberType:
        if (const auto integer = ToInt(value)) return *integer;
        if (value.IsNumber()) return value.As<Napi::Number>().DoubleValue();
        break;
      case c10::TypeKind::BoolType:
        if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
        break;
      case c10::TypeKind::StringType:
        if (value.IsString()) return value.As<Napi::String>().Utf8Value();
        break;
      case c10::TypeKind::NoneType:
        if (IsNothing(value)) return c10::IValue();
        break;
      case c10::TypeKind::DeviceObjType:
        if (value.IsString()) return c10::Device(value.As<Napi::String>().Utf8Value());
        break;
      case c10::TypeKind::OptionalType:
        if (IsNothing(value)) return c10::IValue();
        return Read(value, type->expectRef<c10::OptionalType>().getElementType());
      case c10::TypeKind::UnionType:
        return ReadUnion(value, type);
      case c10::TypeKind::ListType:
        if (value.IsArray()) return ReadList(value.As<Napi::Array>(), type);
        break;
      case c10::TypeKind::TupleType:
        return ReadTuple(value, type);
      case c10::TypeKind::DictType:
        if (IsMap(value)) return ReadMap(value.As<Napi::Object>(), type);
        if (value.IsObject() && !value.IsArray()) {
          return ReadObject(value.As<Napi::Object>(), type);
        }
        break;
      case c10::TypeKind::AnyType:
        return Infer(value);
      default:
        throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT",
                    "TorchScript's type " + type->annotation_str() + ", of " + place_ +
                        ", has no counterpart in JavaScript.");
    }
    Refuse(value, Name(type), place_);
  }

 private:
  // Counts how deep the value at hand lies.
  struct Descent {
    Descent(Reader& reader, Napi::Value value) : reader(reader) {
      if (++reader.depth_ > kMaxDepth) Refuse(value, "no deeper nesting", reader.place_);
    }
    ~Descent() { reader.depth_--; }
    Reader& reader;
  };

  static std::string Name(const c10::TypePtr& type) {
    return type->kind() == c10::TypeKind::TensorType ? "a Tensor" : type->annotation_str();
  }

  // Reads a part of a value; errors name it by `step`, e.g. "[3]".
  c10::IValue ReadPart(Napi::Value value, const c10::TypePtr& type, const std::string& step) {
    const size_t length = place_.size();
    place_.insert(0, step + " in ");
    auto part = Read(value, type);
    place_.erase(0, place_.size() - length);
    return part;
  }

  c10::IValue ReadList(Napi::Array array, const c10::TypePtr& type) {
    const auto element = type->expectRef<c10::ListType>().getElementType();
    c10::impl::GenericList list(element);
    for (uint32_t i = 0; i < array.Length(); i++) {
      list.push_back(ReadPart(array.Get(i), element, Index(i)));
    }
    return list;
  }

  // An array, or for a named tuple an object.
  c10::IValue ReadTuple(Napi::Value value, const c10::TypePtr& type) {
    const auto tuple = type->expect<c10::TupleType>();
    const auto elements = tuple->elements();
    const auto& schema = tuple->schema();
    const bool named = schema && value.IsObject() && !value.IsArray();
    if (!named && (!value.IsArray() || value.As<Napi::Array>().Length() != elements.size())) {
      Refuse(value, Name(type), place_);
    }
    std::vector<c10::IValue> parts;
    for (size_t i = 0; i < elements.size(); i++) {
      const auto step = named ? schema->arguments()[i].name() : Index(i);
      const auto part = named ? value.As<Napi::Object>().Get(step)
                              : value.As<Napi::Array>().Get(static_cast<uint32_t>(i));
      parts.push_back(ReadPart(part, elements[i], step));
    }
    if (schema) return c10::ivalue::Tuple::createNamed(std::move(parts), tuple);
    return c10::ivalue::Tuple::create(std::move(parts));
  }

  c10::IValue ReadObject(Napi::Object object, const c10::TypePtr& type) {
    const auto& dict_type = type->expectRef<c10::DictType>();
    if (dict_type.getKeyType()->kind() != c10::TypeKind::StringType) {
      Refuse(object, "a Map for " + Name(type), place_);
    }
    c10::impl::GenericDict dict(dict_type.getKeyType(), dict_type.getValueType());
    const auto names = object.GetPropertyNames();
    for (uint32_t i = 0; i < names.Length(); i++) {
      const auto name = names.Get(i).As<Napi::String>().Utf8Value();
      dict.insert(name, ReadPart(object.Get(name), dict_type.getValueType(), "'" + name + "'"));
    }
    return dict;
  }

  c10::IValue ReadMap(Napi::Object map, const c10::TypePtr& type) {
    const auto& dict_type = type->expectRef<c10::DictType>();
    c10::impl::GenericDict dict(dict_type.getKeyType(), dict_type.getValueType());
    const auto from = map.Env().Global().Get("Array").As<Napi::Object>().Get("from");
    const auto entries = from.As<Napi::Function>().Call({map}).As<Napi::Array>();
    for (uint32_t i = 0; i < entries.Length(); i++) {
      const auto entry = entries.Get(i).As<Napi::Array>();
      auto key = ReadPart(entry.Get(0u), dict_type.getKeyType(), "a key");
      dict.insert(std::move(key),
                  ReadPart(entry.Get(1u), dict_type.getValueType(), "the value of a key"));
    }
    return dict;
  }

  c10::IValue ReadUnion(Napi::Value value, const c10::TypePtr& type) {
    for (const auto& member : type->expectRef<c10::UnionType>().containedTypes()) {
      const auto place = place_;
      try {
        return Read(value, member);
      } catch (const Error&) {
        place_ = place;
      }
    }
    Refuse(value, Name(type), place_);
  }

  // For TorchScript's Any: the type that the JS value has by itself.
  c10::IValue Infer(Napi::Value value) {
    if (IsNothing(value)) return c10::IValue();
    if (value.IsBoolean()) return Read(value, c10::BoolType::get());
    if (value.IsString()) return Read(value, c10::StringType::get());
    if (value.IsNumber() || value.IsBigInt()) return Read(value, c10::NumberType::get());
    if (auto tensor = ToTensor(value)) return *tensor;
    if (value.IsArray()) {
      return Read(value, c10::ListType::create(c10::AnyType::get()));
    }
    if (value.IsObject()) {
      return Read(value, c10::DictType::create(c10::StringType::get(), c10::AnyType::get()));
    }
    Refuse(value, "a value that TorchScript knows", place_);
  }

  std::string place_;
  int depth_ = 0;
};

Napi::Value FromInt(Napi::Env env, int64_t integer) {
  const auto number = static_cast<double>(integer);
  if (std::abs(number) > kMaxSafeInteger) return Napi::BigInt::New(env, integer);
  return Napi::Number::New(env, number);
}

template <class Values>
Napi::Array FromSequence(Napi::Env env, const Values& values) {
  auto array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); i++) {
    array.Set(static_cast<uint32_t>(i), FromIValue(env, values[i]));
  }
  return array;
}

// Defined, not set: a key such as __proto__ is a key like any other.
void Define(Napi::Object object, const std::string& name, Napi::Value value) {
  object.DefineProperty(Napi::PropertyDescriptor::Value(
      name, value,
      static_cast<napi_property_attributes>(napi_writable | napi_enumerable | napi_configurable)));
}

Napi::Value FromTuple(Napi::Env env, const c10::ivalue::Tuple& tuple) {
  const auto schema = tuple.type()->schema();
  if (!schema) return FromSequence(env, tuple.elements());
  auto object = Napi::Object::New(env);
  for (size_t i = 0; i < tuple.elements().size(); i++) {
    Define(object, schema->arguments()[i].name(), FromIValue(env, tuple.elements()[i]));
  }
  return object;
}

Napi::Value FromDict(Napi::Env env, const c10::impl::GenericDict& dict) {
  if (dict.keyType()->kind() == c10::TypeKind::StringType) {
    auto object = Napi::Object::New(env);
    for (const auto& entry : dict) {
      Define(object, entry.key().toStringRef(), FromIValue(env, entry.value()));
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

}  // namespace

c10::IValue ToIValue(Napi::Value value, const c10::TypePtr& type, const std::string& place) {
  return Reader(place).Read(value, type);
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
  throw Error("ERR_SEMISUP_SCRIPT",
              "TorchScript gave a value of type " + value.type()->annotation_str() +
                  ", which has no counterpart in JavaScript.");
}

}  // namespace semisup
