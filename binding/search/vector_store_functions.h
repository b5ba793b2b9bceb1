#pragma once
#include <napi.h>

#include "runtime/handle.h"
#include "search/vector_store.h"

// The functions of EngineNative (src/native/native.ts) on vectors.
namespace semisup {

template <>
struct HandleTraits<search::VectorStore> {
  static constexpr const char* kName = "VectorStore";
  static constexpr napi_type_tag kTag = {0x41c7d0be95a2437e, 0x8d3e6f0217cb59a4};
};

namespace search {

// Lists vectors in memory() even while there are none.
void DeclareVectorStores(Napi::Env env);
Napi::Value CreateVectors(const Napi::CallbackInfo& info);
Napi::Value OpenVectors(const Napi::CallbackInfo& info);
Napi::Value AppendVectors(const Napi::CallbackInfo& info);
Napi::Value RemoveVectors(const Napi::CallbackInfo& info);
Napi::Value CompactVectors(const Napi::CallbackInfo& info);
Napi::Value ReadVectors(const Napi::CallbackInfo& info);
Napi::Value SearchVectors(const Napi::CallbackInfo& info);
Napi::Value UniteVectors(const Napi::CallbackInfo& info);
Napi::Value CompareVectors(const Napi::CallbackInfo& info);

}  // namespace search
}  // namespace semisup
