#pragma once
#include <napi.h>

#include <optional>
#include <string>
#include <vector>

namespace semisup {

// Whether it is made by {…}, of whatever realm, and no instance of a class.
bool IsPlainObject(Napi::Value value);

// Nothing if it is no array; of a proxy of one, the array that it shows.
std::optional<Napi::Array> ToArray(Napi::Value value);

// As Array.from().
Napi::Array ArrayFrom(Napi::Value iterable);

// The enumerable names of its own.
std::vector<std::string> OwnNames(Napi::Object object);

// Defined, not set: a name such as __proto__ is a name like any other.
void Define(Napi::Object object, const std::string& name, Napi::Value value);

}  // namespace semisup
