#pragma once
#include <napi.h>

#include <memory>
#include <utility>
#include <variant>

#include "runtime/handle.h"
#include "runtime/heap.h"
#include "runtime/job.h"

namespace semisup {

// Closes the executor. Its final job frees a model, if one is given, because that takes time.
template <class Model>
Napi::Value CloseExecutor(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto executor = Unwrap<Executor>(info[0]);
  std::shared_ptr<Model> model;
  if (!info[1].IsUndefined()) model = HolderOf<Model>(info[1]).Release(env);
  auto free = [model = std::move(model)]() mutable {
    model.reset();
    ReturnFreedMemory();
    return std::monostate{};
  };
  return EnqueueFinal(env, *executor,
                      std::make_unique<FunctionJob<decltype(free), decltype(&ToUndefined)>>(
                          env, executor, std::move(free), &ToUndefined));
}

}  // namespace semisup
