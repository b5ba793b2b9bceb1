#pragma once
#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "runtime/environment.h"
#include "runtime/error.h"
#include "runtime/package_hash.h"
#include "runtime/usage.h"

namespace semisup {

// The name (kName) and type tag (kTag) of the handles of T; specialized beside T's N-API functions,
// so that T itself does not depend on N-API.
template <class T>
struct HandleTraits;

// Its address differs between the copies of this library that a process has loaded.
inline const char copy_marker = 0;

// The type tag of the handles that this copy of the library creates. A process may load several
// copies, also of different versions, whose objects differ in layout: each rejects the others'
// handles. The addons of one package accept each other's handles of types with kIsSharedByAddons.
template <class T>
napi_type_tag TypeTag() {
  auto tag = HandleTraits<T>::kTag;
  if constexpr (requires { HandleTraits<T>::kIsSharedByAddons; }) {
    tag.lower ^= package_hash;
  } else {
    tag.lower ^= reinterpret_cast<uintptr_t>(&copy_marker);
  }
  return tag;
}

// The native side of a handle: a JS object with a type tag, so that objects of another type,
// another addon or another copy of this one, and objects forged in JavaScript, are rejected.
// `bytes` is reported to V8: the garbage collector sees only the small JS object, and would
// otherwise ignore the megabytes that it keeps alive.
template <class T>
struct Holder {
  std::shared_ptr<T> object;
  int64_t bytes;
  // Shared, because a finalizer may run after the Environment is destroyed.
  std::shared_ptr<Usage> usage;

  // Returns the object and drops the holder's reference. Returns null after the first call.
  std::shared_ptr<T> Release(Napi::Env env) {
    if (object) Account(env, -1);
    return std::move(object);
  }

  void Account(Napi::Env env, int sign) {
    usage->count += sign;
    usage->bytes += sign * bytes;
    Napi::MemoryManagement::AdjustExternalMemory(env, sign * bytes);
  }
};

template <class T>
Napi::Object Wrap(Napi::Env env, std::shared_ptr<T> object, int64_t bytes = 0) {
  auto handle = Napi::Object::New(env);
  auto holder = std::make_unique<Holder<T>>(
      Holder<T>{std::move(object), bytes, Environment::Of(env).UsageOf(HandleTraits<T>::kName)});
  const auto release = [](napi_env finalizer_env, void* data, void*) {
    std::unique_ptr<Holder<T>> owned(static_cast<Holder<T>*>(data));
    owned->Release(finalizer_env);
  };
  NAPI_THROW_IF_FAILED(env, napi_wrap(env, handle, holder.get(), release, nullptr, nullptr),
                       handle);
  holder.release()->Account(env, +1);
  const auto tag = TypeTag<T>();
  NAPI_THROW_IF_FAILED(env, napi_type_tag_object(env, handle, &tag), handle);
  return handle;
}

template <class T>
bool IsHandleOf(Napi::Value value) {
  bool tagged = false;
  if (value.IsObject()) {
    const auto tag = TypeTag<T>();
    napi_check_object_type_tag(value.Env(), value, &tag, &tagged);
  }
  return tagged;
}

template <class T>
Holder<T>& HolderOf(Napi::Value value) {
  if (!IsHandleOf<T>(value)) {
    throw Error("ERR_SEMISUP_OPTION_VALUE", std::string("Expected a handle of type ") +
                                                HandleTraits<T>::kName +
                                                ", but received another value.");
  }
  void* data = nullptr;
  NAPI_THROW_IF_FAILED(value.Env(), napi_unwrap(value.Env(), value, &data),
                       *static_cast<Holder<T>*>(data));
  return *static_cast<Holder<T>*>(data);
}

// The object of a handle. The returned reference keeps it alive even if the handle is disposed or
// collected.
template <class T>
std::shared_ptr<T> Unwrap(Napi::Value value) {
  auto object = HolderOf<T>(value).object;
  if (!object) {
    throw Error("ERR_SEMISUP_DISPOSED",
                std::string("The ") + HandleTraits<T>::kName + " was used after dispose().");
  }
  return object;
}

// Drops the handle's own reference; work in flight keeps its references. Idempotent.
template <class T>
void Dispose(Napi::Value value) {
  HolderOf<T>(value).Release(value.Env());
}

}  // namespace semisup
