#pragma once
#include <napi.h>

#include <memory>
#include <string>
#include <utility>

#include "environment.h"
#include "error.h"
#include "memory.h"

namespace semisup {

// A native object behind a JS object, with a type tag, so that a handle of another type, of another
// addon or made by hand is refused. T names itself by kName and kTag. `bytes` is told to V8, whose
// garbage collector would otherwise see a few bytes where megabytes hang.
template <class T>
struct Holder {
  std::shared_ptr<T> object;
  int64_t bytes;
  // Shared, because finalizers may run when the Environment is already gone.
  std::shared_ptr<Usage> usage;

  // Gives the object up; what it holds is freed where the result is dropped.
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
      Holder<T>{std::move(object), bytes, Environment::Of(env).UsageOf(T::kName)});
  const auto release = [](napi_env finalizer_env, void* data, void*) {
    std::unique_ptr<Holder<T>> owned(static_cast<Holder<T>*>(data));
    owned->Release(finalizer_env);
  };
  NAPI_THROW_IF_FAILED(env, napi_wrap(env, handle, holder.get(), release, nullptr, nullptr),
                       handle);
  holder.release()->Account(env, +1);
  NAPI_THROW_IF_FAILED(env, napi_type_tag_object(env, handle, &T::kTag), handle);
  return handle;
}

template <class T>
bool IsHandleOf(Napi::Value value) {
  bool tagged = false;
  if (value.IsObject()) napi_check_object_type_tag(value.Env(), value, &T::kTag, &tagged);
  return tagged;
}

template <class T>
Holder<T>& HolderOf(Napi::Value value) {
  if (!IsHandleOf<T>(value)) {
    throw Error("ERR_SEMISUP_OPTION_VALUE", std::string("Expected the handle of a ") + T::kName +
                                                " but received another value.");
  }
  void* data = nullptr;
  NAPI_THROW_IF_FAILED(value.Env(), napi_unwrap(value.Env(), value, &data),
                       *static_cast<Holder<T>*>(data));
  return *static_cast<Holder<T>*>(data);
}

// The object behind a handle; the caller's reference keeps it alive however the handle fares.
template <class T>
std::shared_ptr<T> Unwrap(Napi::Value value) {
  auto object = HolderOf<T>(value).object;
  if (!object) {
    throw Error("ERR_SEMISUP_DISPOSED",
                std::string("The ") + T::kName + " was used after dispose().");
  }
  return object;
}

// Drops the handle's own reference. Idempotent; work in flight keeps its references.
template <class T>
void Dispose(Napi::Value value) {
  HolderOf<T>(value).Release(value.Env());
}

}  // namespace semisup
