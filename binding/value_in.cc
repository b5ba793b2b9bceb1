#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/function_schema.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "error.h"
#include "handle.h"
#include "object.h"
#include "tensor.h"
#include "value.h"

namespace semisup {
namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;
constexpr size_t kMaxShown = 200;

// The value is of another type than TorchScript's.
class Misfit : public Error {
 public:
  explicit Misfit(const std::string& what) : Error("ERR_SEMISUP_SCRIPT_ARGUMENT", what) {}
};

std::string ShowObject(Napi::Object object) {
  const auto constructor = object.Get("constructor");
  if (IsPlainObject(object) || !constructor.IsFunction()) return "an object";
  return "an object of class " + constructor.As<Napi::Object>().Get("name").ToString().Utf8Value();
}

std::string Show(Napi::Value value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_string: {
      const auto text = value.As<Napi::String>().Utf8Value();
      const auto shown = text.size() > kMaxShown ? text.substr(0, kMaxShown) + "..." : text;
      return "'" + shown + "' of type string";
    }
    case napi_number:
      return value.ToString().Utf8Value() + " of type number";
    case napi_boolean:
      return value.ToString().Utf8Value() + " of type boolean";
    case napi_bigint:
      return value.ToString().Utf8Value() + " of type bigint";
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    default:
      return value.IsArray() ? "an array of " + std::to_string(value.As<Napi::Array>().Length())
                             : ShowObject(value.As<Napi::Object>());
  }
}

[[noreturn]] void Refuse(Napi::Value value, const std::string& expected, const std::string& place) {
  throw Misfit("Expected " + expected + " for " + place + " but received " + Show(value) + ".");
}

std::string Index(size_t i) {
  std::string text = "[";
  text += std::to_string(i);
  text += "]";
  return text;
}

std::string NameOf(const c10::TypePtr& type) {
  return type->kind() == c10::TypeKind::TensorType ? "a Tensor" : type->annotation_str();
}

bool IsNothing(Napi::Value value) { return value.IsNull() || value.IsUndefined(); }

bool IsWhole(double number) {
  return std::trunc(number) == number && std::abs(number) <= kMaxSafeInteger;
}

bool IsNegativeZero(double number) { return number == 0 && std::signbit(number); }

std::optional<int64_t> ToInt(Napi::Value value) {
  if (value.IsNumber() && IsWhole(value.As<Napi::Number>())) {
    return value.As<Napi::Number>().Int64Value();
  }
  if (!value.IsBigInt()) return std::nullopt;
  bool lossless = false;
  const int64_t integer = value.As<Napi::BigInt>().Int64Value(&lossless);
  return lossless ? std::optional(integer) : std::nullopt;
}

// Without its shape and strides, which a method that changes them would change under the caller's
// eyes, and on another thread; the elements are the caller's own.
std::optional<at::Tensor> ToTensor(Napi::Value value) {
  if (!value.IsObject()) return std::nullopt;
  const auto handle = value.As<Napi::Object>().Get("handle");
  if (!IsHandleOf<Tensor>(handle)) return std::nullopt;
  return Unwrap<Tensor>(handle)->tensor.detach();
}

bool IsMap(Napi::Value value) {
  return value.IsObject() &&
         value.As<Napi::Object>().InstanceOf(value.Env().Global().Get("Map").As<Napi::Function>());
}

// The one type of all of them, where they have one; whole numbers among floats are floats.
c10::TypePtr CommonType(const std::vector<c10::IValue>& values) {
  const auto all = [&](auto is) { return std::all_of(values.begin(), values.end(), is); };
  if (values.empty() || values[0].isNone()) return c10::AnyType::get();
  // A tensor's own type would tell its shape too.
  if (all([](const auto& value) { return value.isTensor(); })) return c10::TensorType::get();
  const auto first = values[0].type();
  if (all([&](const auto& value) { return *value.type() == *first; })) return first;
  if (all([](const auto& value) { return value.isInt() || value.isDouble(); })) {
    return c10::FloatType::get();
  }
  return c10::AnyType::get();
}

bool IsKeyType(const c10::TypePtr& type) {
  return type->kind() == c10::TypeKind::StringType || type->kind() == c10::TypeKind::IntType ||
         type->kind() == c10::TypeKind::FloatType || type->kind() == c10::TypeKind::BoolType;
}

c10::IValue As(const c10::TypePtr& type, c10::IValue&& value) {
  if (type->kind() != c10::TypeKind::FloatType || !value.isInt()) return std::move(value);
  return static_cast<double>(value.toInt());
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
        if (value.IsNumber() || value.IsBigInt()) return InferNumber(value);
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
        if (value.IsString()) return ReadDevice(value);
        break;
      case c10::TypeKind::OptionalType:
        if (IsNothing(value)) return c10::IValue();
        return Read(value, type->expectRef<c10::OptionalType>().getElementType());
      case c10::TypeKind::UnionType:
        return ReadUnion(value, type);
      case c10::TypeKind::ListType:
        if (const auto array = ToArray(value)) return ReadList(*array, type);
        break;
      case c10::TypeKind::TupleType:
        return ReadTuple(value, type);
      case c10::TypeKind::DictType:
        return ReadDict(value, type);
      case c10::TypeKind::AnyType:
        return Infer(value);
      default:
        throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT", "TorchScript's type " + type->annotation_str() +
                                                       ", of " + place_ +
                                                       ", has no counterpart in JavaScript.");
    }
    Refuse(value, NameOf(type), place_);
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

  // Reads a part of a value; errors name it by `step`, e.g. "[3]".
  c10::IValue ReadPart(Napi::Value value, const c10::TypePtr& type, const std::string& step) {
    const size_t length = place_.size();
    place_.insert(0, step + " in ");
    auto part = Read(value, type);
    place_.erase(0, place_.size() - length);
    return part;
  }

  c10::IValue ReadDevice(Napi::Value value) {
    try {
      return c10::Device(value.As<Napi::String>().Utf8Value());
    } catch (const std::exception&) {
      Refuse(value, "the name of a device", place_);
    }
  }

  std::vector<c10::IValue> ReadParts(Napi::Array array, const c10::TypePtr& type) {
    std::vector<c10::IValue> parts;
    for (uint32_t i = 0; i < array.Length(); i++) {
      parts.push_back(ReadPart(array.Get(i), type, Index(i)));
    }
    return parts;
  }

  c10::IValue ReadList(Napi::Array array, const c10::TypePtr& type) {
    const auto element = type->expectRef<c10::ListType>().getElementType();
    c10::impl::GenericList list(element);
    for (auto& part : ReadParts(array, element)) list.push_back(std::move(part));
    return list;
  }

  // An array, or for a named tuple an object.
  c10::IValue ReadTuple(Napi::Value value, const c10::TypePtr& type) {
    const auto tuple = type->expect<c10::TupleType>();
    const auto elements = tuple->elements();
    const auto array = ToArray(value);
    if (tuple->schema() && !array && IsPlainObject(value)) {
      return ReadNamedTuple(value.As<Napi::Object>(), tuple);
    }
    if (!array || array->Length() != elements.size()) Refuse(value, NameOf(type), place_);
    std::vector<c10::IValue> parts;
    for (uint32_t i = 0; i < elements.size(); i++) {
      parts.push_back(ReadPart(array->Get(i), elements[i], Index(i)));
    }
    if (tuple->schema()) return c10::ivalue::Tuple::createNamed(std::move(parts), tuple);
    return c10::ivalue::Tuple::create(std::move(parts));
  }

  c10::IValue ReadNamedTuple(Napi::Object object, const c10::TupleTypePtr& type) {
    const auto& fields = type->schema()->arguments();
    for (const auto& name : OwnNames(object)) {
      const bool known = std::any_of(fields.begin(), fields.end(),
                                     [&](const auto& field) { return field.name() == name; });
      if (!known) throw Misfit(NameOf(type) + ", of " + place_ + ", has no field '" + name + "'.");
    }
    std::vector<c10::IValue> parts;
    for (const auto& field : fields) {
      parts.push_back(ReadPart(object.Get(field.name()), field.type(), "'" + field.name() + "'"));
    }
    return c10::ivalue::Tuple::createNamed(std::move(parts), type);
  }

  c10::IValue ReadDict(Napi::Value value, const c10::TypePtr& type) {
    const auto& dict_type = type->expectRef<c10::DictType>();
    const auto& key_type = dict_type.getKeyType();
    const auto& value_type = dict_type.getValueType();
    c10::impl::GenericDict dict(key_type, value_type);
    if (IsMap(value)) {
      for (const auto& [key, part] : EntriesOf(value)) {
        auto read_key = ReadPart(key, key_type, "a key");
        dict.insert_or_assign(std::move(read_key),
                              ReadPart(part, value_type, "the value of a key"));
      }
      return dict;
    }
    if (!IsPlainObject(value)) Refuse(value, NameOf(type), place_);
    if (key_type->kind() != c10::TypeKind::StringType) {
      Refuse(value, "a Map for " + NameOf(type), place_);
    }
    const auto object = value.As<Napi::Object>();
    for (const auto& name : OwnNames(object)) {
      dict.insert_or_assign(name, ReadPart(object.Get(name), value_type, "'" + name + "'"));
    }
    return dict;
  }

  static std::vector<std::pair<Napi::Value, Napi::Value>> EntriesOf(Napi::Value map) {
    const auto array = ArrayFrom(map);
    std::vector<std::pair<Napi::Value, Napi::Value>> entries;
    for (uint32_t i = 0; i < array.Length(); i++) {
      const Napi::Value entry = array.Get(i);
      const auto parts = entry.As<Napi::Object>();
      entries.emplace_back(parts.Get(0u), parts.Get(1u));
    }
    return entries;
  }

  // The member that the value is of by itself, else the first that takes it.
  c10::IValue ReadUnion(Napi::Value value, const c10::TypePtr& type) {
    const auto members = type->expectRef<c10::UnionType>().containedTypes();
    if (auto inferred = Try([&] { return Infer(value); })) {
      for (const auto& member : members) {
        if (inferred->type()->isSubtypeOf(*member)) return *inferred;
      }
    }
    for (const auto& member : members) {
      if (auto read = Try([&] { return Read(value, member); })) return *read;
    }
    Refuse(value, NameOf(type), place_);
  }

  template <class Attempt>
  std::optional<c10::IValue> Try(Attempt attempt) {
    const auto place = place_;
    try {
      return attempt();
    } catch (const Misfit&) {
      place_ = place;
      return std::nullopt;
    }
  }

  // For TorchScript's Any: the type that the JS value has by itself.
  c10::IValue Infer(Napi::Value value) {
    if (IsNothing(value)) return c10::IValue();
    if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
    if (value.IsString()) return value.As<Napi::String>().Utf8Value();
    if (value.IsNumber() || value.IsBigInt()) return InferNumber(value);
    if (auto tensor = ToTensor(value)) return *tensor;
    if (const auto array = ToArray(value)) return InferList(*array);
    if (IsMap(value) || IsPlainObject(value)) return InferDict(value);
    Refuse(value, "a value that TorchScript knows", place_);
  }

  c10::IValue InferNumber(Napi::Value value) {
    const bool is_int = value.IsBigInt() || !IsNegativeZero(value.As<Napi::Number>());
    const auto integer = is_int ? ToInt(value) : std::nullopt;
    if (integer) return *integer;
    if (value.IsBigInt()) Refuse(value, "at most 64 bits", place_);
    return value.As<Napi::Number>().DoubleValue();
  }

  c10::IValue InferList(Napi::Array array) {
    auto parts = ReadParts(array, c10::AnyType::get());
    const auto type = CommonType(parts);
    c10::impl::GenericList list(type);
    for (auto& part : parts) list.push_back(As(type, std::move(part)));
    return list;
  }

  c10::IValue InferDict(Napi::Value value) {
    std::vector<c10::IValue> keys;
    std::vector<c10::IValue> parts;
    const auto add = [&](c10::IValue key, Napi::Value part, const std::string& step) {
      keys.push_back(std::move(key));
      parts.push_back(ReadPart(part, c10::AnyType::get(), step));
    };
    if (IsMap(value)) {
      for (const auto& [key, part] : EntriesOf(value)) {
        add(ReadPart(key, c10::AnyType::get(), "a key"), part, "the value of a key");
      }
    } else {
      const auto object = value.As<Napi::Object>();
      for (const auto& name : OwnNames(object)) add(name, object.Get(name), "'" + name + "'");
    }
    const auto key_type = keys.empty() ? c10::TypePtr(c10::StringType::get()) : CommonType(keys);
    if (!IsKeyType(key_type)) Refuse(value, "keys that are all strings or all numbers", place_);
    const auto value_type = CommonType(parts);
    c10::impl::GenericDict dict(key_type, value_type);
    for (size_t i = 0; i < keys.size(); i++) {
      dict.insert_or_assign(As(key_type, std::move(keys[i])), As(value_type, std::move(parts[i])));
    }
    return dict;
  }

  std::string place_;
  int depth_ = 0;
};

}  // namespace

c10::IValue ToIValue(Napi::Value value, const c10::TypePtr& type, const std::string& place) {
  try {
    return Reader(place).Read(value, type);
  } catch (const Napi::Error& error) {
    throw Misfit("The value for " + place + " could not be read: " + error.Message());
  }
}

}  // namespace semisup
