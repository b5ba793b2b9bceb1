#pragma once
#include <napi.h>

#include <optional>
#include <string>
#include <vector>

namespace semisup {

// Whether the value is an object literal rather than a class instance, whatever its realm.
bool IsPlainObject(Napi::Value value);

// The value as an array, or nullopt if it is none. The proxy of an array is copied, as Node-API
// does not treat it as one.
std::optional<Napi::Array> ToArray(Napi::Value value);

// Array.from(iterable).
Napi::Array ArrayFrom(Napi::Value iterable);

// The names of the object's own enumerable properties.
std::vector<std::string> OwnPropertyNames(Napi::Object object);

// Defines a property. Set() would run the setter of a name such as `__proto__`.
void DefineProperty(Napi::Object object, const std::string& name, Napi::Value value);

}  // namespace semisup
