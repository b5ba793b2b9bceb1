#pragma once
#include <napi.h>

#include <optional>
#include <string>
#include <vector>

namespace semisup {

// Whether the value is an object literal rather than a class instance, in any realm.
bool IsPlainObject(Napi::Value value);

// Returns the value as an array, or nullopt if it is not one. A proxy of an array is copied,
// because Node-API does not treat it as an array.
std::optional<Napi::Array> ToArray(Napi::Value value);

// Array.from(iterable).
Napi::Array ArrayFrom(Napi::Value iterable);

// The names of the object's own enumerable properties.
std::vector<std::string> OwnPropertyNames(Napi::Object object);

// Defines a property. Set() would run the setter of a name such as `__proto__`.
void DefineProperty(Napi::Object object, const std::string& name, Napi::Value value);

}  // namespace semisup
