#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/function_schema.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/object.h"
#include "script/tensor.h"
#include "script/value.h"

namespace semisup {
namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;
constexpr size_t kMaxShownLength = 200;

// A JS value does not match the TorchScript type.
class TypeMismatch : public Error {
 public:
  explicit TypeMismatch(const std::string& what) : Error("ERR_SEMISUP_SCRIPT_ARGUMENT", what) {}
};

std::string DescribeObject(Napi::Object object) {
  const auto constructor = object.Get("constructor");
  if (IsPlainObject(object) || !constructor.IsFunction()) return "an object";
  const auto name = constructor.As<Napi::Object>().Get("name").ToString().Utf8Value();
  // ToTensor() has rejected its handle.
  if (name == "Tensor" && object.Get("handle").IsObject()) {
    return "a Tensor of another copy of semisup, which this process has also loaded";
  }
  return "an object of class " + name;
}

std::string DescribeValue(Napi::Value value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_string: {
      const auto text = value.As<Napi::String>().Utf8Value();
      const auto shown =
          text.size() > kMaxShownLength ? text.substr(0, kMaxShownLength) + "..." : text;
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
                             : DescribeObject(value.As<Napi::Object>());
  }
}

[[noreturn]] void ThrowMismatch(Napi::Value value, const std::string& expected,
                                const std::string& location) {
  throw TypeMismatch("Expected " + expected + " for " + location + ", but received " +
                     DescribeValue(value) + ".");
}

std::string Subscript(size_t i) {
  std::string text = "[";
  text += std::to_string(i);
  text += "]";
  return text;
}

std::string TypeName(const c10::TypePtr& type) {
  return type->kind() == c10::TypeKind::TensorType ? "a Tensor" : type->annotation_str();
}

bool IsNullish(Napi::Value value) { return value.IsNull() || value.IsUndefined(); }

bool IsSafeInteger(double number) {
  return std::trunc(number) == number && std::abs(number) <= kMaxSafeInteger;
}

bool IsNegativeZero(double number) { return number == 0 && std::signbit(number); }

std::optional<int64_t> ToInt(Napi::Value value) {
  if (value.IsNumber() && IsSafeInteger(value.As<Napi::Number>())) {
    return value.As<Napi::Number>().Int64Value();
  }
  if (!value.IsBigInt()) return std::nullopt;
  bool lossless = false;
  const int64_t integer = value.As<Napi::BigInt>().Int64Value(&lossless);
  return lossless ? std::optional(integer) : std::nullopt;
}

// Detached: the tensor shares its elements with the caller's, but not its shape and strides, which
// a method could otherwise change in place on another thread while the caller reads them.
std::optional<at::Tensor> ToTensor(Napi::Value value) {
  if (!value.IsObject()) return std::nullopt;
  const auto handle = value.As<Napi::Object>().Get("handle");
  if (!IsTensor(handle)) return std::nullopt;
  return TensorOf(handle).detach();
}

bool IsMap(Napi::Value value) {
  return value.IsObject() &&
         value.As<Napi::Object>().InstanceOf(value.Env().Global().Get("Map").As<Napi::Function>());
}

// The common type of the values: float for a mix of ints and floats, Any if there is none.
c10::TypePtr CommonType(const std::vector<c10::IValue>& values) {
  const auto all = [&](auto predicate) {
    return std::all_of(values.begin(), values.end(), predicate);
  };
  if (values.empty() || values[0].isNone()) return c10::AnyType::get();
  // The type of a tensor value includes its shape: return the general type.
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

// Promotes an int to float if `type` is float.
c10::IValue Promote(const c10::TypePtr& type, c10::IValue&& value) {
  if (type->kind() != c10::TypeKind::FloatType || !value.isInt()) return std::move(value);
  return static_cast<double>(value.toInt());
}

class ValueReader {
 public:
  explicit ValueReader(std::string location) : location_(std::move(location)) {}

  c10::IValue Read(Napi::Value value, const c10::TypePtr& type) {
    const DepthGuard guard(*this, value);
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
        if (IsNullish(value)) return c10::IValue();
        break;
      case c10::TypeKind::DeviceObjType:
        if (value.IsString()) return ReadDevice(value);
        break;
      case c10::TypeKind::OptionalType:
        if (IsNullish(value)) return c10::IValue();
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
        throw Error("ERR_SEMISUP_SCRIPT_ARGUMENT", "The TorchScript type " +
                                                       type->annotation_str() + " of " + location_ +
                                                       " has no JavaScript equivalent.");
    }
    ThrowMismatch(value, TypeName(type), location_);
  }

 private:
  // Tracks the nesting depth of the value that is being read.
  struct DepthGuard {
    DepthGuard(ValueReader& reader, Napi::Value value) : reader(reader) {
      if (++reader.depth_ > kMaxDepth) {
        ThrowMismatch(value, "at most " + std::to_string(kMaxDepth) + " levels of nesting",
                      reader.location_);
      }
    }
    ~DepthGuard() { reader.depth_--; }
    ValueReader& reader;
  };

  // Reads a nested value; `step` names it in errors, e.g. "[3]".
  c10::IValue ReadPart(Napi::Value value, const c10::TypePtr& type, const std::string& step) {
    const size_t length = location_.size();
    location_.insert(0, step + " in ");
    auto part = Read(value, type);
    location_.erase(0, location_.size() - length);
    return part;
  }

  c10::IValue ReadDevice(Napi::Value value) {
    try {
      return c10::Device(value.As<Napi::String>().Utf8Value());
    } catch (const std::exception&) {
      ThrowMismatch(value, "the name of a device", location_);
    }
  }

  std::vector<c10::IValue> ReadParts(Napi::Array array, const c10::TypePtr& type) {
    std::vector<c10::IValue> parts;
    for (uint32_t i = 0; i < array.Length(); i++) {
      parts.push_back(ReadPart(array.Get(i), type, Subscript(i)));
    }
    return parts;
  }

  c10::IValue ReadList(Napi::Array array, const c10::TypePtr& type) {
    const auto element = type->expectRef<c10::ListType>().getElementType();
    c10::impl::GenericList list(element);
    for (auto& part : ReadParts(array, element)) list.push_back(std::move(part));
    return list;
  }

  // Reads a tuple from an array; a named tuple also from an object.
  c10::IValue ReadTuple(Napi::Value value, const c10::TypePtr& type) {
    const auto tuple = type->expect<c10::TupleType>();
    const auto elements = tuple->elements();
    const auto array = ToArray(value);
    if (tuple->schema() && !array && IsPlainObject(value)) {
      return ReadNamedTuple(value.As<Napi::Object>(), tuple);
    }
    if (!array || array->Length() != elements.size())
      ThrowMismatch(value, TypeName(type), location_);
    std::vector<c10::IValue> parts;
    for (uint32_t i = 0; i < elements.size(); i++) {
      parts.push_back(ReadPart(array->Get(i), elements[i], Subscript(i)));
    }
    if (tuple->schema()) return c10::ivalue::Tuple::createNamed(std::move(parts), tuple);
    return c10::ivalue::Tuple::create(std::move(parts));
  }

  c10::IValue ReadNamedTuple(Napi::Object object, const c10::TupleTypePtr& type) {
    const auto& fields = type->schema()->arguments();
    for (const auto& name : OwnPropertyNames(object)) {
      const bool known = std::any_of(fields.begin(), fields.end(),
                                     [&](const auto& field) { return field.name() == name; });
      if (known) continue;
      throw TypeMismatch("The named tuple " + TypeName(type) + " of " + location_ +
                         " has no field '" + name + "'.");
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
    if (!IsPlainObject(value)) ThrowMismatch(value, TypeName(type), location_);
    if (key_type->kind() != c10::TypeKind::StringType) {
      ThrowMismatch(value, "a Map for " + TypeName(type), location_);
    }
    const auto object = value.As<Napi::Object>();
    for (const auto& name : OwnPropertyNames(object)) {
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

  // Reads the value as the union's member that matches its inferred type, else as the first member
  // that accepts it.
  c10::IValue ReadUnion(Napi::Value value, const c10::TypePtr& type) {
    const auto members = type->expectRef<c10::UnionType>().containedTypes();
    if (auto inferred = TryRead([&] { return Infer(value); })) {
      for (const auto& member : members) {
        if (inferred->type()->isSubtypeOf(*member)) return *inferred;
      }
    }
    for (const auto& member : members) {
      if (auto read = TryRead([&] { return Read(value, member); })) return *read;
    }
    ThrowMismatch(value, TypeName(type), location_);
  }

  // Returns nullopt on a mismatch. ReadPart() leaves its steps in the location when it throws, so
  // the location is restored.
  template <class Attempt>
  std::optional<c10::IValue> TryRead(Attempt attempt) {
    const auto location = location_;
    try {
      return attempt();
    } catch (const TypeMismatch&) {
      location_ = location;
      return std::nullopt;
    }
  }

  // Infers the type from the JS value, for TorchScript's Any.
  c10::IValue Infer(Napi::Value value) {
    if (IsNullish(value)) return c10::IValue();
    if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
    if (value.IsString()) return value.As<Napi::String>().Utf8Value();
    if (value.IsNumber() || value.IsBigInt()) return InferNumber(value);
    if (auto tensor = ToTensor(value)) return *tensor;
    if (const auto array = ToArray(value)) return InferList(*array);
    if (IsMap(value) || IsPlainObject(value)) return InferDict(value);
    ThrowMismatch(value, "a value that TorchScript supports", location_);
  }

  c10::IValue InferNumber(Napi::Value value) {
    const bool is_int = value.IsBigInt() || !IsNegativeZero(value.As<Napi::Number>());
    const auto integer = is_int ? ToInt(value) : std::nullopt;
    if (integer) return *integer;
    if (value.IsBigInt()) ThrowMismatch(value, "an integer of at most 64 bits", location_);
    return value.As<Napi::Number>().DoubleValue();
  }

  c10::IValue InferList(Napi::Array array) {
    auto parts = ReadParts(array, c10::AnyType::get());
    const auto type = CommonType(parts);
    c10::impl::GenericList list(type);
    for (auto& part : parts) list.push_back(Promote(type, std::move(part)));
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
      for (const auto& name : OwnPropertyNames(object))
        add(name, object.Get(name), "'" + name + "'");
    }
    const auto key_type = keys.empty() ? c10::TypePtr(c10::StringType::get()) : CommonType(keys);
    if (!IsKeyType(key_type))
      ThrowMismatch(value, "keys that are all strings or all numbers", location_);
    const auto value_type = CommonType(parts);
    c10::impl::GenericDict dict(key_type, value_type);
    for (size_t i = 0; i < keys.size(); i++) {
      dict.insert_or_assign(Promote(key_type, std::move(keys[i])),
                            Promote(value_type, std::move(parts[i])));
    }
    return dict;
  }

  std::string location_;
  int depth_ = 0;
};

}  // namespace

c10::IValue ToIValue(Napi::Value value, const c10::TypePtr& type, const std::string& location) {
  try {
    return ValueReader(location).Read(value, type);
  } catch (const Napi::Error& error) {
    throw TypeMismatch("The value for " + location + " could not be read: " + error.Message());
  }
}

}  // namespace semisup
