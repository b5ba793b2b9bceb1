#pragma once
#include <napi.h>

#include <memory>
#include <utility>
#include <variant>

#include "runtime/handle.h"
#include "runtime/heap.h"
#include "runtime/job.h"

namespace semisup {

// Closes the executor. Its final job frees an object of one of the types, if one is given, because
// that takes time.
template <class... Objects>
Napi::Value CloseExecutor(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto executor = Unwrap<Executor>(info[0]);
  std::shared_ptr<void> object;
  const auto release = [&]<class Object>(Object*) {
    if (!IsHandleOf<Object>(info[1])) return false;
    object = HolderOf<Object>(info[1]).Release(env);
    return true;
  };
  if (!info[1].IsUndefined() && !(release(static_cast<Objects*>(nullptr)) || ...)) {
    throw Error("ERR_SEMISUP_OPTION_VALUE", "Expected the handle of a model or of vectors.");
  }
  auto free = [object = std::move(object)]() mutable {
    object.reset();
    ReturnFreedMemory();
    return std::monostate{};
  };
  return EnqueueFinal(env, *executor,
                      std::make_unique<FunctionJob<decltype(free), decltype(&ToUndefined)>>(
                          env, executor, std::move(free), &ToUndefined));
}

}  // namespace semisup
