#pragma once
#include <napi.h>

#include "compiled/compiled_model.h"
#include "runtime/handle.h"

// The functions of EngineNative (src/compiled/native.ts).
namespace semisup {

template <>
struct HandleTraits<compiled::CompiledModel> {
  static constexpr const char* kName = "CompiledModel";
  static constexpr napi_type_tag kTag = {0x6e0b35d7a94c1f82, 0xb7f20c94e83d615a};
};

namespace compiled {

// Lists mapped files in memory() even while there are none.
void DeclareMappedFiles(Napi::Env env);
// Opens a file, or a copy of bytes.
Napi::Value OpenModel(const Napi::CallbackInfo& info);
// The metadata of a file, also if it is for other processors.
Napi::Value ReadMetadata(const Napi::CallbackInfo& info);
Napi::Value CallMethod(const Napi::CallbackInfo& info);
// The most probable classes of logits [n, classes].
Napi::Value SoftmaxTopK(const Napi::CallbackInfo& info);

}  // namespace compiled
}  // namespace semisup
