#include "runtime/executor_handle.h"

#include <memory>
#include <utility>

#include "runtime/environment.h"

namespace semisup {

Napi::Value CreateExecutor(const Napi::CallbackInfo& info) {
  const bool is_in_background = info[2].As<Napi::Boolean>();
  auto executor = std::make_shared<Executor>(
      info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Number>().Int32Value(),
      is_in_background ? Priority::kBackground : Priority::kNormal);
  Environment::Of(info.Env()).RegisterExecutor(executor);
  return Wrap(info.Env(), std::move(executor));
}

}  // namespace semisup
