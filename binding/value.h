#pragma once
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <napi.h>

#include <string>

namespace semisup {

// Deeper than any sensible value, and shallow enough for the stack: a value may hold itself.
constexpr int kMaxDepth = 100;

// A JS value as TorchScript's `type` demands it. `place` says in errors where the value stands,
// e.g. "the argument 'x' of forward()". Throws ERR_SEMISUP_SCRIPT_ARGUMENT where it does not fit.
c10::IValue ToIValue(Napi::Value value, const c10::TypePtr& type, const std::string& place);

// The value with copies of its lists and dicts, which TorchScript may change while JS reads them.
// Tensors still share their elements. Throws ERR_SEMISUP_SCRIPT where it is too deep.
c10::IValue Snapshot(const c10::IValue& value);
// As Snapshot(), with the tensors on a device.
c10::IValue MovedTo(c10::Device device, const c10::IValue& value);

// A TorchScript value in JS: tensors, numbers (bigint beyond 2^53), booleans, strings, null; arrays
// for lists and tuples, objects for named tuples and for dicts of strings, Maps for other dicts.
Napi::Value FromIValue(Napi::Env env, const c10::IValue& value);

}  // namespace semisup
