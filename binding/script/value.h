#pragma once
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <napi.h>

#include <string>

namespace semisup {

// The deepest accepted nesting: no real value is deeper, and the recursion still fits the stack. A
// cyclic value reaches it.
constexpr int kMaxDepth = 100;

// Converts a JS value to TorchScript's `type`. Errors refer to the value as `location`, e.g. "the
// argument 'x' of forward()". Throws ERR_SEMISUP_SCRIPT_ARGUMENT if the value does not match the
// type.
c10::IValue ToIValue(Napi::Value value, const c10::TypePtr& type, const std::string& location);

// Copies the lists and dicts of a value, which TorchScript may modify while JavaScript reads them.
// Tensors share their elements with the original. Throws ERR_SEMISUP_SCRIPT if the value is nested
// too deeply.
c10::IValue Snapshot(const c10::IValue& value);
// Like Snapshot(), but also copies tensors of other devices to `device`.
c10::IValue CopyToDevice(const c10::IValue& value, c10::Device device);

// Converts a TorchScript value to JavaScript: a tensor, number (bigint beyond 2^53), boolean,
// string or null; lists and tuples become arrays, named tuples and dicts with string keys become
// objects, other dicts become Maps. Throws ERR_SEMISUP_SCRIPT for any other type.
Napi::Value FromIValue(Napi::Env env, const c10::IValue& value);

}  // namespace semisup
