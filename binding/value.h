#pragma once
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <napi.h>

#include <string>

namespace semisup {

// A JS value as TorchScript's `type` demands it. `place` says in errors where the value stands, e.g.
// "the argument 'x' of forward()". Throws ERR_SEMISUP_SCRIPT_ARGUMENT where it does not fit.
c10::IValue ToIValue(Napi::Value value, const c10::TypePtr& type, const std::string& place);

// A TorchScript value in JS: tensors, numbers (bigint beyond 2^53), booleans, strings, null; arrays
// for lists and tuples, objects for named tuples and for dicts of strings, Maps for other dicts.
Napi::Value FromIValue(Napi::Env env, const c10::IValue& value);

}  // namespace semisup
