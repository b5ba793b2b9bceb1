#pragma once
#include <napi.h>

namespace semisup {

// Read a module's tensors and attributes. They run on its executor, where no other job modifies the
// module concurrently.
Napi::Value NamedTensors(const Napi::CallbackInfo& info);
Napi::Value Attribute(const Napi::CallbackInfo& info);

}  // namespace semisup
